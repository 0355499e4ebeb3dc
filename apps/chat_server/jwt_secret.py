"""`JWT_SECRET`: its checks, and the secret that development creates for itself."""

import contextlib
import math
import os
import secrets
import stat
import tempfile
from pathlib import Path

KEPT_IN = Path(".chat-jwt-secret")
MIN_BYTES = 32
"""The minimum for HS256 in RFC 7518, section 3.2."""
MIN_BITS = 64
"""Minimum entropy of a secret whose characters were drawn at random from those it contains."""
REPEATED = 0.85
"""Share of characters equal to those before them from which a secret counts as repetitive."""
LOOKED_AT = 1024
"""Number of characters of a secret that are checked for repetition."""
FEW_PARTS = "repeats itself or has too few different characters"
HOW_TO_MAKE_ONE = 'create one with: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'


def check_secret(secret: str) -> None:
    """Raise `ValueError` with instructions if the secret is too short."""
    size = len(secret.encode("utf-8", "surrogateescape"))
    if size < MIN_BYTES:
        raise ValueError(f"has {size} bytes but needs {MIN_BYTES} or more; {HOW_TO_MAKE_ONE}")


def has_few_parts(secret: str) -> bool:
    """Return whether the secret is nearly one character, word or short pattern repeated.

    That is the case if even a random choice of its distinct characters has less than 64 bits. It is
    also the case if, shifted by some distance of at most half its length, it agrees with itself in
    85 % of the places, ignoring case. For a secret of n random characters, none of which is
    likelier than q, the chance of the latter is at most the sum of P(Binomial(m, q) >= 0.85 m) over
    m from n/2 to n - 1: about 2e-15 for 32 hexadecimal digits, and 3e-38 for
    `secrets.token_urlsafe(48)`.
    """
    if len(secret) * math.log2(max(1, len(set(secret)))) < MIN_BITS:
        return True
    text = secret[:LOOKED_AT].lower()
    return any(_agreement(text, distance) >= REPEATED for distance in range(1, len(text) // 2 + 1))


def _agreement(text: str, distance: int) -> float:
    """Return the share of characters equal to the character that many places before them."""
    same = sum(one == other for one, other in zip(text, text[distance:], strict=False))
    return same / (len(text) - distance)


def kept_secret(file: Path = KEPT_IN) -> str:
    """Return the secret in that file; create the file if it is missing.

    Only its owner can read the file. Processes that start at the same time get the same secret.
    Raises `ValueError` if others can read the file or it contains no secret, and `OSError` if it
    can't be written.
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
    # mkstemp creates the file with O_EXCL and mode 0600. A link appears complete or not at all, and
    # the first one stays, so no process reads half a secret and later ones use the first one's.
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
