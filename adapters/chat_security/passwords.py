"""Password hashing with argon2id, in a bounded number of threads; bcrypt hashes can be verified."""

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
"""The format that bcryptjs writes and reads. `$2x$` marks hashes of a known bug, which this
library does not reproduce."""
BCRYPT_COSTS = range(4, 17)
"""Costs that are accepted. Each step doubles the time. A hash of cost 16 occupies a thread for
some seconds; a higher cost would block all other logins."""
BCRYPT_BYTES = 72
"""bcrypt's limit for a password. bcryptjs ignores further bytes; Python's `bcrypt` refuses them."""
RETRY_AFTER = 1.0
"""Retry delay in seconds. A full queue is empty again after that time."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[Result]):
    future: "Future[Result]"
    work: Callable[[], Result]

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.work()
        except BaseException as error:  # noqa: BLE001 - passed on to the caller
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class _Queue:
    """Calls that wait for a thread. A call that finds the queue full is refused."""

    def __init__(self, places: int) -> None:
        # A semaphore of `threading`, because the thread that did the work releases the slot.
        self.places = BoundedSemaphore(places)
        self.calls: deque[_Call[Any]] = deque()


class Argon2Hasher(PasswordHasher):
    """Hashes passwords with argon2id (RFC 9106), in its own threads behind a bounded queue.

    The default costs, 19 MiB of memory and 2 passes in 1 lane, come from the OWASP Password Storage
    Cheat Sheet; a hash takes about 20 ms of one core. Each hash contains its costs, so hashes made
    with other costs still verify. Imported bcrypt hashes verify, too (`is_bcrypt`).

    The default and maximum of `threads` is the number of cores minus one, because the event loop
    needs one. `waiting` is the number of calls that may wait for each thread. With the default of
    50 the last one waits for about a second; after that people try again, and nobody needs the old
    answers. A second queue of the same size, for `verify_ahead`, goes before the first.
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
        """Number of calls refused so far because the queue was full."""

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a thread."""
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
        """Accept no more calls, and end the threads after the waiting calls are done."""
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
        # Not in a `finally` of this coroutine: after a caller is cancelled, the thread still works.
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        future.add_done_callback(lambda _: queue.places.release())
        queue.calls.append(_Call(future, work))
        try:
            self._executor.submit(self._next)
        except RuntimeError:  # the executor is closed
            future.cancel()
            raise
        return await asyncio.wrap_future(future)

    def _next(self) -> None:
        """Run the oldest waiting call, in a thread. Calls of `verify_ahead` go first."""
        for queue in (self._ahead, self._others):
            try:
                call = queue.calls.popleft()
            except IndexError:
                continue
            call.run()
            return


def is_bcrypt(password_hash: str) -> bool:
    """Return whether `Argon2Hasher` can verify this as a bcrypt hash of cost 16 or less."""
    found = BCRYPT.fullmatch(password_hash)
    return found is not None and int(found["cost"]) in BCRYPT_COSTS


def _bcrypt_verify(password: str, password_hash: str) -> bool:
    try:
        return bcrypt.checkpw(_encoded(password)[:BCRYPT_BYTES], password_hash.encode())
    except ValueError:  # the text of the salt is not the encoding of any 16 bytes
        return False


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container may have fewer cores than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _encoded(password: str) -> bytes:
    # UTF-8 can't encode a lone surrogate, but a client can send one as "\ud800" in JSON.
    return password.encode("utf-8", "surrogatepass")


def _hash_of_nothing(hasher: argon2.PasswordHasher) -> str:
    """Return a random hash with the usual costs, which matches no password."""

    def random(size: int) -> str:
        return b64encode(secrets.token_bytes(size)).decode().rstrip("=")

    costs = f"v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"{PREFIX}{costs}${random(hasher.salt_len)}${random(hasher.hash_len)}"
