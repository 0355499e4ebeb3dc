"""`JWT_SECRET`: what a good one is, and the one that development makes for itself."""

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path

KEPT_IN = Path(".chat-jwt-secret")
MIN_BYTES = 32
"""The least that RFC 7518, section 3.2, allows for HS256."""
HOW_TO_MAKE_ONE = 'make one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def check_secret(secret: str) -> None:
    """Raise `ValueError`, with what to do about it, for a secret that is too short."""
    size = len(secret.encode("utf-8", "surrogateescape"))
    if size < MIN_BYTES:
        raise ValueError(f"has {size} bytes and needs {MIN_BYTES} or more; {HOW_TO_MAKE_ONE}")


def kept_secret(file: Path = KEPT_IN) -> str:
    """The secret in that file, which is made if it is not there; only its owner can read it.

    Processes that start at once get the same one. Raises `ValueError` for a file that others can
    read or that holds no secret, `OSError` where none can be written.
    """
    if not file.exists():
        _make(file)
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ValueError(f"others can read {file}; delete it, and a new one is made")
    secret = file.read_text(encoding="utf-8").strip()
    try:
        check_secret(secret)
    except ValueError as error:
        raise ValueError(f"{file} holds no secret; delete it, and a new one is made") from error
    return secret


def _make(file: Path) -> None:
    # mkstemp creates with O_EXCL and mode 0600. A link appears whole or not at all, and the first
    # one stays: nobody reads half a secret, and whoever comes second takes the first one's.
    descriptor, draft = tempfile.mkstemp(prefix=file.name, dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as made:
            made.write(secrets.token_urlsafe(48) + "\n")
            made.flush()
            os.fsync(made.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink()
