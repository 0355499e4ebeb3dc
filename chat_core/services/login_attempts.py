"""Log-in attempts: limit them, and check passwords."""

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
"""Password checks of one account at one time. Without a limit, its owner could delay others."""


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """The limits on failed log-ins.

    They count per account and address, per address, and per account for all addresses that none of
    its sessions have used.
    """

    per_account: Limit
    per_address: Limit
    per_account_total: Limit


@dataclass(frozen=True, slots=True)
class LoginAttempts:
    """Checks passwords, and counts the wrong ones.

    It treats addresses from the account's sessions as known. Guesses from other addresses do not
    use up the limit of a known one, and do not delay its log-ins.
    """

    sessions: SessionStore
    hasher: PasswordHasher
    limiter: RateLimiter
    limits: LoginLimits
    queue: FairQueue
    """The queue for password checks, in which each account waits only for its own."""

    async def right_form(
        self, account: str, credentials: Credentials | None, password: str, address: str
    ) -> str | None:
        """Return the form of the password that was hashed, or count a failure, return None.

        Each form costs a verification, even for an unknown account, so the number of forms depends
        only on the input. Raises `RateLimited` before the first one, and `Overloaded`.
        """
        is_known = await self.sessions.knows(UserId(account), address)
        taken = self._counts(account, address, is_known=is_known)
        # Count all or none, so that a locked account does not lock out others at that address.
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
            # An overloaded hasher has checked nothing.
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
    """Return the key to count attempts for an unknown name. No user id looks like it."""
    return f"name {fold(login[:MAX_EMAIL])!a}"
