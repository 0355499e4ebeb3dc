"""Open files: each connection takes one, and systems allow few until they are asked for more."""

SPARE = 64
"""Besides those of connections."""


def most() -> int | None:
    """How many a process started from here may ask for; None where nothing bounds them."""
    try:
        import resource  # noqa: PLC0415  (not everywhere)
    except ModuleNotFoundError:
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def ask_for(connections: int) -> int | None:
    """Let this process open enough for so many connections, as far as it may.

    Returns how many files it may open where they are too few; else None.
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
    except (OSError, ValueError):  # some systems have another bound that they do not tell
        return soft
    return None if allowed == wanted else allowed
