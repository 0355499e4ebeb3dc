"""The shop of docs/examples has chat: two customers, a real server, real Socket.IO clients."""

import asyncio
import importlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from chat_core import AccessToken, User, UserId
from chat_core.ports import TokenVerifier, UserDirectory
from chat_core.testing.directory_contract import UserDirectoryContract
from chat_core.testing.makers import at
from chat_core.testing.security_contracts import ANN, PHONE, TokenVerifierContract
from tests.support import pages
from tests.support.http_client import http_client
from tests.support.program import EXAMPLES, Program
from tests.support.services import missing
from tests.support.socket_clients import SocketClients

SHOP = EXAMPLES / "fastapi_shop"
SECRET = "the shop's secret"
MOST_LINES = 60


# -------------------------------------------------------------------------------------- as a whole
_INSTALL, START, CALLS = (block.text for block in pages.blocks(EXAMPLES / "README.md"))
ADDRESS = "http://localhost:5000"


def shop_in(folder: Path) -> Program:
    """A server of the shop, as its page starts it."""
    _, _, options = START.replace("\\\n", " ").partition("uvicorn ")
    here = options.replace("docs/examples", str(EXAMPLES)).replace("--port 5000", "--port 0")
    return Program(folder, "-m", "uvicorn", *shlex.split(here), SHOP_SECRET=SECRET)


@dataclass(frozen=True, slots=True)
class Customer:
    id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def url_of(server: Program) -> str:
    return (await server.until(r"running on (http://\S+)"))[1]


async def run_as_shown(url: str) -> str:
    """What the calls that the page shows print: Ann and Bob sign up, and Ann writes to Bob."""
    if shutil.which("curl") is None:
        missing("curl is not installed")
    shell = ("bash", "-euo", "pipefail", "-c", CALLS.replace(ADDRESS, url))
    done = await asyncio.to_thread(subprocess.run, shell, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def log_in(http: httpx.AsyncClient, name: str) -> Customer:
    account = {"name": name, "password": f"{name}'s password"}
    assert (await http.post("/customers", json=account)).status_code == 409
    return Customer(**(await http.post("/login", json=account)).json())


async def test_customers_chat_over_http_and_sockets(tmp_path: Path) -> None:
    async with shop_in(tmp_path) as server, SocketClients("py-websocket") as clients:
        url = await url_of(server)
        printed = await run_as_shown(url)
        assert '"senderId":"1","recipientId":"2","content":"Is it blue?"' in printed
        async with http_client(url) as http:
            ann, bob = await log_in(http, "ann"), await log_in(http, "bob")
            phone = await clients.connect(url)
            assert (await phone.call("register_user", {"token": bob.token}))["userId"] == bob.id

            wanted = {"recipientId": bob.id, "content": "Or green?", "clientMessageId": "2"}
            sent = await http.post("/messages", json=wanted, headers=ann.headers)
            again = await http.post("/messages", json=wanted, headers=ann.headers)
            assert (sent.status_code, again.status_code) == (201, 200)
            assert again.json() == sent.json()
            (pushed,) = await phone.wait_for("new_message")
            assert pushed == sent.json() | {"clientMessageId": None}

            between = pushed["conversationId"]
            reply = {"conversationId": between, "content": "Green."}
            assert (await phone.call("send_message", reply))["message"]["seq"] == 3
            await phone.close()
            missed = {**wanted, "content": "Thank you", "clientMessageId": "3"}
            await http.post("/messages", json=missed, headers=ann.headers)
            phone = await clients.connect(url, auth={"token": bob.token})
            await phone.wait_for("registration_success")
            synced = await phone.call("sync", {"conversations": {between: 3}})
            (part,) = synced["conversations"]
            assert [each["data"]["content"] for each in part["entries"]] == ["Thank you"]
        await server.stop()
        await phone.wait_for("$disconnect")
        assert "Traceback" not in server.output

    async with (
        shop_in(tmp_path) as server,
        http_client(await url_of(server)) as http,
    ):
        (listed,) = (await http.get("/conversations", headers=bob.headers)).json()
        assert (listed["id"], listed["unreadCount"]) == (between, 1)
        history = await http.get(f"/conversations/{between}/messages", headers=ann.headers)
        said = [each["content"] for each in history.json()["items"]]
        assert said == ["Is it blue?", "Or green?", "Green.", "Thank you"]
        await refuses_strangers(http, ann)
    assert "Traceback" not in server.output


async def refuses_strangers(http: httpx.AsyncClient, known: Customer) -> None:
    stranger = await http.get("/conversations", headers={"Authorization": "Bearer none"})
    assert (stranger.status_code, stranger.json()["code"]) == (401, "token_invalid")
    unreadable = await http.post("/messages", content="{", headers=known.headers)
    assert (unreadable.status_code, unreadable.json()["code"]) == (400, "malformed")
    opening = "/socket.io/?EIO=4&transport=polling"
    foreign = await http.get(opening, headers={"Origin": "https://elsewhere.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "origin_not_allowed")
    own = await http.get(opening, headers={"Origin": str(http.base_url).rstrip("/")})
    assert own.status_code == 200


def test_all_that_the_shop_needs_for_chat_is_one_short_file() -> None:
    lines = (SHOP / "app.py").read_text(encoding="utf-8").splitlines()

    assert len([line for line in lines if line.strip()]) <= MOST_LINES
    assert "chat" not in (SHOP / "shop.py").read_text(encoding="utf-8").partition('"""\n')[2]


# ----------------------------------------------------------------------- its adapters, by contract
@dataclass(frozen=True, slots=True)
class Example:
    """Both files, loaded into this process, with a database of their own."""

    shop: Any
    app: Any


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("shop"))
        patch.setenv("SHOP_SECRET", SECRET)
        patch.syspath_prepend(str(SHOP))
        shop: ModuleType = importlib.import_module("shop")
        yield Example(shop, importlib.import_module("app"))
        shop.database.close()
        for name in ("shop", "app"):
            del sys.modules[name]


class TestCustomers(UserDirectoryContract):
    @pytest.fixture
    def users(self, example: Example) -> UserDirectory:
        customers: UserDirectory = example.app.Customers()
        return customers

    @pytest.fixture
    async def people(self, example: Example) -> AsyncIterator[list[User]]:
        joined = datetime(2026, 1, 1, 12, 30, 0, 250_000, UTC)
        people = [User(UserId(str(id_)), name, name, None, joined) for id_, name in PEOPLE]
        for person in people:
            await example.shop.rows(
                "INSERT INTO customers (id, name, salt, password, joined_ms)"
                " VALUES (?, ?, '', '', ?)",
                *(int(person.id), person.username, round(joined.timestamp() * 1000)),
            )
        yield people
        await example.shop.rows("DELETE FROM customers")


PEOPLE = ((7, "ann"), (12, "bob"), (120, "eve"))


class TestShopTokens(TokenVerifierContract):
    @pytest.fixture
    def verifier(self, example: Example) -> TokenVerifier:
        tokens: TokenVerifier = example.app.ShopTokens()
        return tokens

    @pytest.fixture
    def token(self, example: Example) -> AccessToken:
        ends = at(3600)
        return AccessToken(example.shop.Token(ANN, PHONE, ends).signed(), ends)

    @pytest.fixture
    def forgeries(
        self, example: Example, token: AccessToken, monkeypatch: pytest.MonkeyPatch
    ) -> Sequence[str]:
        said, _, signature = token.text.rpartition(".")
        unsigned = [said, f"{said}.", f".{signature}"]
        changed = [f"{other}.{signature}" for other in (said.replace("ann", "bob"), f"{said}0")]
        with monkeypatch.context() as patch:
            patch.setattr(example.shop, "SECRET", b"another")
            return [example.shop.Token(ANN, PHONE, at(3600)).signed(), *unsigned, *changed]
