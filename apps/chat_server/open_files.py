"""The limit on open files, which is often too low for many connections until it is raised."""

SPARE = 64
"""Open files besides those of connections."""


def most() -> int | None:
    """Return how many files a process started here can have open, or None if there is no limit."""
    try:
        import resource  # noqa: PLC0415  (not on every system)
    except ModuleNotFoundError:
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def ask_for(connections: int) -> int | None:
    """Raise this process's limit for that many connections, as far as allowed.

    Returns the resulting limit if it is too low, and None otherwise.
    """
    try:
        import resource  # noqa: PLC0415
    except ModuleNotFoundError:
        return None
    wanted, bound = connections + SPARE, most()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return None
    allowed = wanted if bound is None else min(wanted, bound)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # some systems have another limit that they do not report
        return soft
    return None if allowed == wanted else allowed
