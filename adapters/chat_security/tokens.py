"""Access tokens as JSON Web Tokens (RFC 7519), signed with HS256."""

import hashlib
import hmac
import math
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import jwt

from chat_core.errors import TokenExpired, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.security import TokenIssuer, TokenVerifier
from chat_core.sessions import AccessToken, Claims

ALGORITHM = "HS256"
PARTY = "chat"
"""The issuer and the audience: the service issues these tokens for itself."""
CHANGE_REQUIRED = "password_change_required"
"""The name of a claim that is true for accounts with a generated password, and absent otherwise."""
MIN_SECRET_BYTES = 32
"""The minimum for HS256 in RFC 7518, section 3.2."""
MAX_TOKEN_CHARACTERS = 4096
REMEMBERED_TOKENS = 8192
"""Number of decoded tokens in the cache, about 1 KiB each. Decoding a token takes 100 to 200 µs,
more than storing a message."""


class JwtTokens(TokenIssuer, TokenVerifier):
    """Signs access tokens with `secret`, and verifies them with `secret` or `previous`.

    To change the secret, pass the old one as `previous` until the last token signed with it has
    expired. Raises `ValueError` if `lifetime` is less than a second, or if a secret has fewer than
    32 bytes or is a public key.
    """

    def __init__(self, secret: str, *, previous: str | None = None, lifetime: timedelta) -> None:
        if lifetime < timedelta(seconds=1):
            raise ValueError("A token must live for at least a second")
        keys = [_key(text) for text in (secret, previous) if text is not None]
        self._lifetime = lifetime
        self._signing_kid = _kid(keys[0])
        self._keys = {_kid(key): key for key in keys}
        # A token's claims never change, so they are cached; `verify` checks the expiry every time.
        self._remembered = lru_cache(REMEMBERED_TOKENS)(self._read)

    def issue(
        self,
        user_id: UserId,
        session_id: SessionId,
        now: datetime,
        *,
        password_change_required: bool = False,
    ) -> AccessToken:
        """See `TokenIssuer.issue`."""
        ends = math.floor((now + self._lifetime).timestamp())
        claims = {
            "sub": user_id,
            "sid": session_id,
            "iss": PARTY,
            "aud": PARTY,
            "iat": math.floor(now.timestamp()),
            "exp": ends,
            "jti": uuid.uuid4().hex,
        }
        if password_change_required:
            claims[CHANGE_REQUIRED] = True
        kid = self._signing_kid
        text = jwt.encode(claims, self._keys[kid], ALGORITHM, headers={"kid": kid})
        return AccessToken(text, datetime.fromtimestamp(ends, UTC))

    def verify(self, token: str, now: datetime) -> Claims:
        """See `TokenVerifier.verify`. Tokens over 4,096 characters are refused without decoding."""
        try:
            claims = self._remembered(token)
        # PyJWT raises its own errors, except for invalid UTF-8 and values of unexpected types.
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenInvalid from error
        if now >= claims.expires_at:
            raise TokenExpired
        return claims

    def _read(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenInvalid
        header = jwt.get_unverified_header(token)
        key = self._keys.get(header.get("kid", ""))
        if key is None or str(header.get("typ", "JWT")).upper() != "JWT":
            raise TokenInvalid
        payload = jwt.decode(
            token,
            key,
            [ALGORITHM],
            issuer=PARTY,
            audience=PARTY,
            options={
                "require": ["sub", "sid", "iss", "aud", "iat", "exp", "jti"],
                "strict_aud": True,
                # PyJWT would use the machine's clock; `verify` compares `exp` with the caller's
                # `now`.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        for name in ("sub", "sid", "jti"):
            if not isinstance(payload[name], str) or not payload[name]:
                raise TokenInvalid
        return Claims(
            UserId(payload["sub"]),
            SessionId(payload["sid"]),
            _moment(payload["exp"]),
            password_change_required=payload.get(CHANGE_REQUIRED) is True,
        )


def _moment(seconds: object) -> datetime:
    if type(seconds) is not int:  # neither a float nor a bool, which is a subclass of int
        raise TokenInvalid
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise TokenInvalid from error


def _key(secret: str) -> bytes:
    # Python decodes the environment with surrogates for invalid UTF-8; this restores the bytes.
    key = secret.encode("utf-8", "surrogateescape")
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError(
            f"A secret needs {MIN_SECRET_BYTES} bytes or more; this one has {len(key)}"
        )
    try:
        jwt.encode({}, key, ALGORITHM)
    except jwt.InvalidKeyError as error:
        raise ValueError("A public key can't be the secret, because others know it") from error
    return key


def _kid(key: bytes) -> str:
    """Return the key's id, an HMAC, which reveals no more of the key than a signature does."""
    return hmac.new(key, b"chat key id", hashlib.sha256).hexdigest()[:16]
