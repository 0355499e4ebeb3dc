"""A shop before it has chat: customers in a table, and tokens of its own.

Nothing here knows about chat; `app.py` adds it.
"""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter, FastAPI, HTTPException
from pydantic import BaseModel
from starlette.types import Lifespan

SECRET = os.environ["SHOP_SECRET"].encode()
TOKEN_SECONDS = 3600
EPOCH, MS = datetime.fromtimestamp(0, UTC), timedelta(milliseconds=1)

database = sqlite3.connect("shop.db", check_same_thread=False, isolation_level=None)
database.execute("""
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    salt BLOB NOT NULL,
    password BLOB NOT NULL,
    joined_ms INTEGER NOT NULL,
    seen_ms INTEGER
)
""")


async def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401
    """Run the statement in a thread, and return its rows."""
    return await asyncio.to_thread(lambda: database.execute(statement, values).fetchall())


# ------------------------------------------------------------------------------------- customers
class Customer(NamedTuple):
    """Somebody who buys here."""

    id: str
    name: str
    joined: datetime
    seen: datetime | None


async def customers(ids: Iterable[str]) -> list[Customer]:
    """Return the customers with these ids; unknown ids are left out."""
    found = await rows(
        "SELECT CAST(id AS TEXT), name, joined_ms, seen_ms FROM customers"
        " WHERE CAST(id AS TEXT) IN (SELECT value FROM json_each(?))",
        json.dumps(list(ids)),
    )
    return [
        Customer(number, name, EPOCH + joined * MS, None if seen is None else EPOCH + seen * MS)
        for number, name, joined, seen in found
    ]


async def note_seen(seen: Iterable[tuple[str, datetime]]) -> None:
    """Record when customers were last seen."""
    moments = {customer: (at - EPOCH) // MS for customer, at in seen}
    await rows(
        "UPDATE customers SET seen_ms = max(ifnull(seen_ms, 0), value)"
        " FROM json_each(?) WHERE CAST(customers.id AS TEXT) = key",
        json.dumps(moments),
    )


# ---------------------------------------------------------------------------------------- tokens
class Token(NamedTuple):
    """A token of the shop: the customer, the log-in, and when it expires."""

    customer: str
    login: str
    expires: datetime

    def signed(self) -> str:
        """Return the token as signed text."""
        said = f"{self.customer}.{self.login}.{(self.expires - EPOCH) // timedelta(seconds=1)}"
        return f"{said}.{_signature(said)}"


def read_token(text: str) -> Token | None:
    """Return the token if the shop has signed it, even if it has expired; otherwise None."""
    said, _, signature = text.rpartition(".")
    if not hmac.compare_digest(_signature(said).encode(), _bytes(signature)):
        return None
    customer, login, expires = said.split(".")
    return Token(customer, login, EPOCH + timedelta(seconds=int(expires)))


def _signature(said: str) -> str:
    return hmac.digest(SECRET, _bytes(said), "sha256").hex()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


# ---------------------------------------------------------------------------------------- routes
class Name(BaseModel):
    """What a customer signs up and logs in with."""

    name: str
    password: str

    async def hashed(self, salt: bytes) -> bytes:
        """Return the password's hash."""
        password = self.password.encode()
        return await asyncio.to_thread(hashlib.scrypt, password, salt=salt, n=2**14, r=8, p=1)


router = APIRouter()


@router.post("/customers", status_code=201)
async def sign_up(new: Name) -> dict[str, str]:
    """Become a customer."""
    salt = secrets.token_bytes(16)
    values = new.name, salt, await new.hashed(salt), time.time_ns() // 1_000_000
    try:
        [(number,)] = await rows(
            "INSERT INTO customers (name, salt, password, joined_ms) VALUES (?, ?, ?, ?)"
            " RETURNING CAST(id AS TEXT)",
            *values,
        )
    except sqlite3.IntegrityError:
        raise HTTPException(409, "The name is taken") from None
    return {"id": number}


@router.post("/login")
async def log_in(known: Name) -> dict[str, str]:
    """Get a token."""
    statement = "SELECT CAST(id AS TEXT), salt, password FROM customers WHERE name = ?"
    found = await rows(statement, known.name)
    number, salt, password = found[0] if found else ("", b"nobody's", b"")
    if not hmac.compare_digest(await known.hashed(salt), password):
        raise HTTPException(401, "The name or the password is wrong")
    expires = datetime.now(UTC) + timedelta(seconds=TOKEN_SECONDS)
    return {"id": number, "token": Token(number, secrets.token_hex(8), expires).signed()}


def create_app(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Create the shop; `lifespan` runs when it starts and stops."""
    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app
