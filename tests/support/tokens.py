"""Tokens that a server should not take, made from one that it does."""

import time
from typing import Any

import jwt

from tests.support.server import SECRET

OTHER_SECRET = "another secret of nobody, which is as long as the one of the server"


def forged(
    token: str,
    *,
    secret: str | None = SECRET,
    algorithm: str | None = "HS256",
    kid: str | None = None,
    without: str = "",
    **claims: Any,
) -> str:
    """The same token with something else in it, signed anew."""
    header = jwt.get_unverified_header(token)
    payload = jwt.decode(token, options={"verify_signature": False}) | claims
    payload.pop(without, None)
    return jwt.encode(payload, secret, algorithm or "none", headers={"kid": kid or header["kid"]})


def bad_tokens(token: str) -> dict[str, str]:
    """One of each kind that is invalid, by what is wrong with it."""
    head, body, signature = token.split(".")
    return {
        "signed by another": forged(token, secret=OTHER_SECRET),
        "not signed": forged(token, secret=None, algorithm=None),
        "signed another way": forged(token, algorithm="HS384"),
        "of an unknown key": forged(token, kid="0123456789abcdef"),
        "of another issuer": forged(token, iss="someone"),
        "for another audience": forged(token, aud="something"),
        "without an end": forged(token, without="exp"),
        "without a user": forged(token, sub=""),
        "without a session": forged(token, without="sid"),
        "changed": f"{head}.{body[:-4]}AAAA.{signature}",
        "cut": token[:-5],
        "no token": "a token",
        "nothing": "",
        "endless": "a." * 3000,
    }


def expired(token: str) -> str:
    """The same, and its time is over."""
    return forged(token, exp=int(time.time()) - 1)
