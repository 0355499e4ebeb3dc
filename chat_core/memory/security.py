"""Passwords and tokens without any security, for tests, where real hashing takes too long."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from chat_core.errors import TokenExpired, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.security import (
    PasswordHasher,
    SecurityEvents,
    TokenIssuer,
    TokenVerifier,
)
from chat_core.security_events import SecurityEvent
from chat_core.sessions import AccessToken, Claims


@dataclass(slots=True)
class PlainHasher(PasswordHasher):
    """A hasher that keeps passwords readable. For tests only."""

    _salt: Iterator[int] = field(default_factory=count)

    async def hash(self, password: str) -> str:
        """See `PasswordHasher.hash`."""
        return f"plain${next(self._salt)}${password}"

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """See `PasswordHasher.verify`."""
        return _password_in(password_hash or "") == password

    def is_outdated(self, password_hash: str) -> bool:
        """See `PasswordHasher.is_outdated`."""
        return _password_in(password_hash) is None


def _password_in(password_hash: str) -> str | None:
    match password_hash.split("$", 2):
        case ["plain", _, hashed]:
            return hashed
    return None


@dataclass(slots=True)
class PlainTokens(TokenIssuer, TokenVerifier):
    """Readable tokens that anybody could forge. For tests only."""

    key: str = "plain"
    lifetime: timedelta = timedelta(minutes=10)
    _serial: Iterator[int] = field(default_factory=count)

    def issue(
        self,
        user_id: UserId,
        session_id: SessionId,
        now: datetime,
        *,
        password_change_required: bool = False,
    ) -> AccessToken:
        """See `TokenIssuer.issue`."""
        ends = int((now + self.lifetime).timestamp())
        serial = next(self._serial)
        text = json.dumps([self.key, user_id, session_id, ends, serial, password_change_required])
        return AccessToken(text, datetime.fromtimestamp(ends, UTC))

    def verify(self, token: str, now: datetime) -> Claims:
        """See `TokenVerifier.verify`."""
        try:
            key, user_id, session_id, ends, _, change_required = json.loads(token)
        except (ValueError, TypeError, RecursionError) as error:
            raise TokenInvalid from error
        if key != self.key:
            raise TokenInvalid
        expires_at = datetime.fromtimestamp(ends, UTC)
        if now >= expires_at:
            raise TokenExpired
        return Claims(UserId(user_id), SessionId(session_id), expires_at, change_required)


@dataclass(slots=True)
class RecordingSecurityEvents(SecurityEvents):
    """A list of the last 1,000 events, for tests."""

    events: deque[SecurityEvent] = field(default_factory=lambda: deque(maxlen=1000))

    def record(self, event: SecurityEvent) -> None:
        """See `SecurityEvents.record`."""
        self.events.append(event)
