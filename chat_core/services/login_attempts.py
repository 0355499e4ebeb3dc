"""Log-in attempts: which may be judged, and whether the password is right."""

from dataclasses import dataclass

from chat_core.addresses import Count, counts
from chat_core.ids import UserId
from chat_core.limits import Limit
from chat_core.passwords import forms
from chat_core.ports.limits import RateLimiter
from chat_core.ports.security import PasswordHasher
from chat_core.ports.storage import SessionStore
from chat_core.services.fair_queue import FairQueue
from chat_core.users import MAX_EMAIL, Credentials, fold

PASSWORDS_AT_ONCE = 2
"""Of one account: who has its password could otherwise fill the queue of all others' log-ins."""


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """How often a log-in may fail.

    For one account from one address, from one address, and for one account from all addresses
    together that none of its sessions had.
    """

    per_account: Limit
    per_address: Limit
    per_account_total: Limit


@dataclass(frozen=True, slots=True)
class LoginAttempts:
    """Judges passwords, and counts those that are wrong.

    Addresses of the account's sessions are known: guesses from elsewhere neither use up what may
    fail there, nor hold a log-in up.
    """

    sessions: SessionStore
    hasher: PasswordHasher
    limiter: RateLimiter
    limits: LoginLimits
    queue: FairQueue
    """In which the passwords of each account wait behind that account's."""

    async def right_form(
        self, account: str, credentials: Credentials | None, password: str, address: str
    ) -> str | None:
        """The form of the password that was hashed; None for a wrong one, which counts once.

        Each form costs a verification, of an unknown account too: how many there are depends on
        nothing but what was typed. Raises `RateLimited` before any, and `Overloaded`.
        """
        is_known = await self.sessions.knows(UserId(account), address)
        taken = self._counts(account, address, is_known=is_known)
        # All or none: going on with one account shuts out no other at that address.
        await self.limiter.take_all(taken)
        verify = self.hasher.verify_ahead if is_known else self.hasher.verify
        password_hash = credentials.password_hash if credentials else None
        is_wrong = False
        try:
            async with self.queue.call(account):
                for form in forms(password):
                    if await verify(form, password_hash):
                        return form
            is_wrong = True
        finally:
            # A hasher that has too much to do has not judged.
            if not is_wrong:
                await self.limiter.give_back_all(taken)
        return None

    def _counts(self, account: str, address: str, *, is_known: bool) -> list[Count]:
        limits = self.limits
        total = [] if is_known else [(limits.per_account_total, account)]
        return [
            *counts(limits.per_address, address),
            *counts(limits.per_account, address, of=account),
            *total,
        ]


def unknown_account(login: str) -> str:
    """What attempts count for that name no account: no id of a user looks like it."""
    return f"name {fold(login[:MAX_EMAIL])!a}"
