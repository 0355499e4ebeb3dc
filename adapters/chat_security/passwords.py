"""Password hashes by argon2id, beside the event loop and with a bound; bcrypt's are read."""

import asyncio
import os
import re
import secrets
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Generic, TypeVar

import argon2
import bcrypt
from argon2.exceptions import InvalidHashError, VerificationError

from chat_core.errors import Overloaded
from chat_core.ports.security import PasswordHasher

Result = TypeVar("Result")

PREFIX = "$argon2id$"
BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}", re.ASCII)
"""As bcryptjs makes and reads them. `$2x$` tells of a mistake that nothing here repeats."""
BCRYPT_COSTS = range(4, 17)
"""Each step doubles the time. 16 is some seconds of a thread: more would shut out all others."""
BCRYPT_BYTES = 72
"""bcrypt takes no more of a password; bcryptjs leaves out the rest, the library here refuses it."""
RETRY_AFTER = 1.0
"""Seconds: by then the queue that was full has been worked off."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[Result]):
    future: "Future[Result]"
    work: Callable[[], Result]

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.work()
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Queue:
    """Calls that wait for a thread. Each finds a place, or is refused."""

    def __init__(self, places: int) -> None:
        # Threading's, since a place is given back by the thread that has done the work.
        self.places = BoundedSemaphore(places)
        self.calls: deque[_Call[Any]] = deque()


class Argon2Hasher(PasswordHasher):
    """argon2id (RFC 9106) in threads of its own, with a bounded queue in front.

    The default costs, 19 MiB of memory and 2 passes in 1 lane, are those of the OWASP Password
    Storage Cheat Sheet; a hash takes about 20 ms of a core. They are kept in each hash, so hashes
    made with other costs go on verifying. So do those that bcrypt made elsewhere (`is_bcrypt`).

    `threads` is by default, and at most, one for each core but one, which is the event loop's.
    `waiting` is how many calls may wait for each thread. The default of 50 makes the last one
    wait for about a second: after that people ask again, and the old answers are work for nobody.
    As many may wait to be verified ahead of the others.
    """

    def __init__(
        self,
        *,
        time_cost: int = 2,
        memory_kib: int = 19_456,
        threads: int | None = None,
        waiting: int = 50,
    ) -> None:
        spare = max(1, _cores() - 1)
        threads = spare if threads is None else min(threads, spare)
        self._argon2 = argon2.PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=1
        )
        self._of_nobody = _hash_of_nothing(self._argon2)
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        places = threads * (1 + waiting)
        self._ahead, self._others = _Queue(places), _Queue(places)
        self._threads = threads
        self._under_way: set[Future[Any]] = set()
        self.refused = 0
        """Calls so far for which there was no place."""

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return max(0, len(self._under_way) - self._threads)

    async def hash(self, password: str) -> str:
        """See `PasswordHasher.hash`."""
        return await self._in_thread(lambda: self._argon2.hash(_encoded(password)), self._others)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """See `PasswordHasher.verify`."""
        return await self._in_thread(lambda: self._verify(password, password_hash), self._others)

    async def verify_ahead(self, password: str, password_hash: str | None) -> bool:
        """See `PasswordHasher.verify_ahead`."""
        return await self._in_thread(lambda: self._verify(password, password_hash), self._ahead)

    def is_outdated(self, password_hash: str) -> bool:
        """See `PasswordHasher.is_outdated`."""
        if not password_hash.startswith(PREFIX):
            return True
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Take no more calls and end the threads, once those that wait have been answered."""
        self._executor.shutdown(wait=False)

    def _verify(self, password: str, password_hash: str | None) -> bool:
        known = password_hash or ""
        if is_bcrypt(known):
            return _bcrypt_verify(password, known)
        ours = known.startswith(PREFIX)
        try:
            self._argon2.verify(known if ours else self._of_nobody, _encoded(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return ours

    async def _in_thread(self, work: Callable[[], Result], queue: "_Queue") -> Result:
        if not queue.places.acquire(blocking=False):
            self.refused += 1
            raise Overloaded(retry_after=RETRY_AFTER)
        future: Future[Result] = Future()
        # Not in a `finally` here: a caller that gives up leaves a thread at work.
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        future.add_done_callback(lambda _: queue.places.release())
        queue.calls.append(_Call(future, work))
        try:
            self._executor.submit(self._next)
        except RuntimeError:  # closed
            future.cancel()
            raise
        return await asyncio.wrap_future(future)

    def _next(self) -> None:
        """In a thread: do what waits longest, of those that go ahead if any do."""
        for queue in (self._ahead, self._others):
            try:
                call = queue.calls.popleft()
            except IndexError:
                continue
            call.run()
            return


def is_bcrypt(password_hash: str) -> bool:
    """Whether `Argon2Hasher` verifies it as one of bcrypt's, of a cost up to 16."""
    found = BCRYPT.fullmatch(password_hash)
    return found is not None and int(found["cost"]) in BCRYPT_COSTS


def _bcrypt_verify(password: str, password_hash: str) -> bool:
    try:
        return bcrypt.checkpw(_encoded(password)[:BCRYPT_BYTES], password_hash.encode())
    except ValueError:  # a salt that no 16 bytes encode to
        return False


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container may have fewer than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _encoded(password: str) -> bytes:
    # A lone surrogate is no UTF-8, yet a client can send one as "\ud800" in JSON.
    return password.encode("utf-8", "surrogatepass")


def _hash_of_nothing(hasher: argon2.PasswordHasher) -> str:
    """A hash with the same costs as the others, and of no password that anybody could know."""

    def random(size: int) -> str:
        return b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    costs = f"v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"{PREFIX}{costs}${random(hasher.salt_len)}${random(hasher.hash_len)}"
