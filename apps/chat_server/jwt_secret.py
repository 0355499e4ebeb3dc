"""`JWT_SECRET`: what a good one is, and the one that development makes for itself."""

import contextlib
import math
import os
import secrets
import stat
import tempfile
from pathlib import Path

KEPT_IN = Path(".chat-jwt-secret")
MIN_BYTES = 32
"""The least that RFC 7518, section 3.2, allows for HS256."""
MIN_BITS = 64
"""Of a secret, if each of its characters was drawn from those that are in it."""
REPEATED = 0.85
"""The part of a secret that is the same as what stands before it, in one that repeats itself."""
LOOKED_AT = 1024
"""Characters of a secret in which a repetition is looked for."""
FEW_PARTS = "repeats itself or has too few different characters"
HOW_TO_MAKE_ONE = 'create one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def check_secret(secret: str) -> None:
    """Raise `ValueError`, with what to do about it, for a secret that is too short."""
    size = len(secret.encode("utf-8", "surrogateescape"))
    if size < MIN_BYTES:
        raise ValueError(f"has {size} bytes but needs {MIN_BYTES} or more; {HOW_TO_MAKE_ONE}")


def has_few_parts(secret: str) -> bool:
    """Whether the secret is one character, word or short pattern again and again, or nearly so.

    Either its characters are so few different ones that even a random choice of them has less than
    64 bits; or, shifted by some distance of at most half its length, it agrees with itself in 85 %
    of the places, whatever the case. For a secret of n random characters, none of which is likelier
    than q, the chance of the latter is at most the sum of P(Binomial(m, q) >= 0.85 m) over m from
    n/2 to n - 1: about 2e-15 for 32 hexadecimal digits, and 3e-38 for
    `secrets.token_urlsafe(48)`.
    """
    if len(secret) * math.log2(max(1, len(set(secret)))) < MIN_BITS:
        return True
    text = secret[:LOOKED_AT].lower()
    return any(_agreement(text, distance) >= REPEATED for distance in range(1, len(text) // 2 + 1))


def _agreement(text: str, distance: int) -> float:
    """The part of the characters that are the same as the one that far before them."""
    same = sum(one == other for one, other in zip(text, text[distance:], strict=False))
    return same / (len(text) - distance)


def kept_secret(file: Path = KEPT_IN) -> str:
    """The secret in that file, which is made if it is not there; only its owner can read it.

    Processes that start at once get the same one. Raises `ValueError` for a file that others can
    read or that holds no secret, `OSError` where none can be written.
    """
    if not file.exists():
        _make(file)
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ValueError(f"other users can read {file}; delete it to get a new one")
    secret = file.read_text(encoding="utf-8").strip()
    try:
        check_secret(secret)
    except ValueError as error:
        raise ValueError(f"{file} contains no secret; delete it to get a new one") from error
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
