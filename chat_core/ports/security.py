"""Ports to passwords, tokens and security events.

A product with its own accounts supplies its own verifier.
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
        """Return the hash to store.

        - The same password twice gives two hashes.
        - If too many calls wait, raises `Overloaded`.
        """

    @abstractmethod
    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Return whether the hash is of this password.

        - With None for the hash it returns False after the same time, so that timing does not
          reveal which users exist.
        - If the hash has a format of another hasher, returns False.
        - If too many calls wait, raises `Overloaded`.
        """

    async def verify_ahead(self, password: str, password_hash: str | None) -> bool:
        """Do the same as `verify`, ahead of the calls to `verify` and `hash` that wait.

        Those calls never make this one raise `Overloaded`. A hasher without a queue need not
        implement it.
        """
        return await self.verify(password, password_hash)

    @abstractmethod
    def is_outdated(self, password_hash: str) -> bool:
        """Return whether `hash` now uses another algorithm, or other costs, than this hash has.

        - If the hash has a format of another hasher, returns True.
        - It costs next to nothing.
        """


class TokenIssuer(Protocol):
    """Creates access tokens."""

    @abstractmethod
    def issue(
        self,
        user_id: UserId,
        session_id: SessionId,
        now: datetime,
        *,
        password_change_required: bool = False,
    ) -> AccessToken:
        """Return a signed token for a session, with these values as its claims.

        - It expires at a full second, at most the issuer's lifetime after `now`.
        - Two calls never return the same token.
        """


class TokenVerifier(Protocol):
    """Reads access tokens."""

    @abstractmethod
    def verify(self, token: str, now: datetime) -> Claims:
        """Return the claims of a token.

        - If the token lacks a required claim, or was not signed with this verifier's key and its
          only algorithm, raises `TokenInvalid`.
        - If the text is not a token, raises `TokenInvalid`.
        - From its expiry on, without leeway, raises `TokenExpired`.
        - If it was issued in the future by this clock, it is still accepted.
        """


class SecurityEvents(Protocol):
    """The record of events of accounts and sessions, for the operator."""

    @abstractmethod
    def record(self, event: SecurityEvent) -> None:
        """Record an event.

        - Events are kept in the order of the calls.
        - If many log-ins fail or are refused, some may only be counted; every other event is kept.
        - It never waits and never raises.
        """
