"""Accounts on the target, which are created once and stored in a file for the next run."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from chat_bench.dialects import HttpPaths
from chat_bench.http import Caller, HttpPool
from chat_bench.plan import Account, Times
from chat_bench.targets import Target

AT_ONCE = 4
"""Maximum number of concurrent requests, because each password hash keeps a core busy for a while.
"""
CONNECTING_SECONDS = 60.0
TRIES = 50
WAIT_SECONDS = 0.2


class AccountsError(Exception):
    """The target provided no accounts; the message says what to do."""


class _Known(msgspec.Struct):
    """An account as stored in a file."""

    username: str
    password: str
    id: str
    token: str
    refresh_token: str | None = None
    expires_at: float | None = None

    def account(self) -> Account:
        """Return the account in the form that a run needs."""
        return Account(self.id, self.token, self.username, self.password)


class _File(msgspec.Struct):
    target: str
    accounts: list[_Known]


class _User(msgspec.Struct):
    id: str


class _Login(msgspec.Struct, rename="camel"):
    token: str
    user: _User
    refresh_token: str | None = None
    expires_at: str | None = None


async def accounts(
    target: Target, number: int, times: Times, file: Path | None = None
) -> list[Account]:
    """Return that many accounts with tokens that stay valid for the whole run.

    Uses the accounts in the file first, and stores new ones there. Raises `AccountsError`.
    """
    if target.dialect.paths is None:
        return [Account(str(each), "") for each in range(number)]
    known = _read(file, target.url)
    ready = await _ready(target, target.dialect.paths, known, number, times)
    if file is not None:
        _keep(file, _File(target.url, [*ready, *known[number:]]))
    return [each.account() for each in ready]


async def log_in(
    target: Target, usernames: Sequence[str], password: str, times: Times
) -> list[Account]:
    """Log in to existing accounts, and return them.

    Their tokens stay valid for the whole run. Raises `AccountsError`.
    """
    if target.dialect.paths is None:
        raise AccountsError(f"{target.name} has no accounts")
    known = [_Known(name, password, "", "", expires_at=0.0) for name in usernames]
    ready = await _ready(target, target.dialect.paths, known, len(known), times)
    return [each.account() for each in ready]


async def _ready(
    target: Target, paths: HttpPaths, known: Sequence[_Known], number: int, times: Times
) -> list[_Known]:
    """Renew the first `number` known accounts, and create the missing ones."""
    pool = HttpPool(target.url, AT_ONCE)
    try:
        await pool.open()
    except (OSError, TimeoutError) as error:
        raise AccountsError(f"no server answers at {target.url}: {error}") from error
    office = _Office(paths, target.url, pool, time.time() + _longest(times))
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(place: int) -> _Known:
        async with turn:
            return await (office.renew(known[place]) if place < len(known) else office.sign_up())

    try:
        return await asyncio.gather(*(one(place) for place in range(number)))
    finally:
        pool.close()


class _Office:
    """Creates accounts and renews their tokens."""

    def __init__(self, paths: HttpPaths, url: str, pool: HttpPool, good_until: float) -> None:
        self._paths = paths
        self._url = url
        self._pool = pool
        self._good_until = good_until

    async def sign_up(self) -> _Known:
        """Create an account and log in."""
        username, password = f"bench-{secrets.token_hex(8)}", secrets.token_urlsafe(12)
        await self._post(self._paths.sign_up, {"username": username, "password": password})
        return await self._log_in(username, password)

    async def renew(self, known: _Known) -> _Known:
        """Return the account with a token that stays valid long enough."""
        if known.expires_at is None or known.expires_at >= self._good_until:
            return known
        if self._paths.refresh and known.refresh_token:
            body = {"refreshToken": known.refresh_token}
            status, answer = await self._try(self._paths.refresh, body)
            if _is_good(status):
                return self._known(known.username, known.password, answer)
        return await self._log_in(known.username, known.password)

    async def _log_in(self, username: str, password: str) -> _Known:
        body = {"username": username, "password": password}
        return self._known(username, password, await self._post(self._paths.log_in, body))

    def _known(self, username: str, password: str, answer: bytes) -> _Known:
        login = msgspec.json.decode(answer, type=_Login)
        expires = login.expires_at and datetime.fromisoformat(login.expires_at).timestamp()
        if expires and expires < self._good_until:
            raise AccountsError(
                "the target's token expires before the end of this run; "
                "start the target with a longer CHAT_ACCESS_TOKEN_SECONDS, or measure for less time"
            )
        return _Known(
            username, password, login.user.id, login.token, login.refresh_token, expires or None
        )

    async def _post(self, path: str, body: dict[str, str]) -> bytes:
        status, answer = await self._try(path, body)
        if not _is_good(status):
            raise AccountsError(
                f"POST {path} answered {status}: {answer[:300].decode(errors='replace')}"
            )
        return answer

    async def _try(self, path: str, body: dict[str, str]) -> tuple[int, bytes]:
        """Return the status and body of the answer; while the target answers 503, try again."""
        for _ in range(TRIES):
            request = Caller(self._url).post(path, msgspec.json.encode(body))
            status, answer = await self._pool.answer(request)
            if status == 429:  # noqa: PLR2004
                raise AccountsError(
                    f"POST {path} answered 429: the target limits rates; "
                    "start it with CHAT_RATE_LIMITS=off"
                )
            if status != 503:  # noqa: PLR2004
                return status, answer
            await asyncio.sleep(WAIT_SECONDS)
        return status, answer


def _longest(times: Times) -> float:
    return times.warmup + times.seconds + times.grace + CONNECTING_SECONDS


def _is_good(status: int) -> bool:
    return status in (200, 201)


def _read(file: Path | None, url: str) -> list[_Known]:
    if file is None or not file.exists():
        return []
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_File)
    except msgspec.DecodeError as error:
        raise AccountsError(f"{file} is not a file of accounts: {error}") from error
    if kept.target != url:
        raise AccountsError(f"{file} contains accounts for {kept.target}, not for {url}")
    return kept.accounts


def _keep(file: Path, kept: _File) -> None:
    file.touch(mode=0o600)  # the file contains passwords
    file.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
