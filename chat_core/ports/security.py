"""Ports to passwords, tokens and security events.

A product with accounts of its own brings its own verifier.
"""

from abc import abstractmethod
from datetime import datetime
from typing import Protocol

from chat_core.ids import SessionId, UserId
from chat_core.security_events import SecurityEvent
from chat_core.sessions import AccessToken, Claims


class PasswordHasher(Protocol):
    """One-way password hashes. No call blocks the event loop."""

    @abstractmethod
    async def hash(self, password: str) -> str:
        """The hash to store.

        - The same password twice gives two hashes.
        - More calls wait than the hasher takes: raises `Overloaded`.
        """

    @abstractmethod
    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed.

        - With no hash: False, and it takes as long as with one, so that an unknown user shows not.
        - A hash that is none of this hasher's: False.
        - More calls wait than the hasher takes: raises `Overloaded`.
        """

    async def verify_ahead(self, password: str, password_hash: str | None) -> bool:
        """As `verify`, for a call that does not wait behind those of `verify` and of `hash`.

        However many of those wait, they do not make it raise `Overloaded`. A hasher at which no
        calls wait need not implement it.
        """
        return await self.verify(password, password_hash)

    @abstractmethod
    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made in another way, or with other costs, than `hash` makes it now.

        - A hash that is none of this hasher's: True.
        - It costs next to nothing.
        """


class TokenIssuer(Protocol):
    """Makes access tokens."""

    @abstractmethod
    def issue(
        self,
        user_id: UserId,
        session_id: SessionId,
        now: datetime,
        *,
        password_change_required: bool = False,
    ) -> AccessToken:
        """A signed token for a session, whose claims say what they are given here.

        - Whole seconds: it ends at a full second, never later than the issuer's lifetime after
          `now`.
        - Two calls never give the same token.
        """


class TokenVerifier(Protocol):
    """Reads access tokens."""

    @abstractmethod
    def verify(self, token: str, now: datetime) -> Claims:
        """What the token says.

        - A token that was not signed with this verifier's key, by its one algorithm, with every
          claim it needs: raises `TokenInvalid`.
        - Text that is no token at all: raises `TokenInvalid`.
        - At its end, without leeway, and after: raises `TokenExpired`.
        - Issued in the future by the clock here: taken all the same.
        """


class SecurityEvents(Protocol):
    """Keeps what happens to accounts and sessions, for the operator."""

    @abstractmethod
    def record(self, event: SecurityEvent) -> None:
        """Keep an event.

        - Events are kept in the order of the calls.
        - Of many failed or refused log-ins some may only be counted; every other event is kept.
        - It never waits and never raises.
        """
