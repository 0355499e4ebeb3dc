"""The nginx of deploy/, between real clients and the service."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio

from tests.support import pages
from tests.support.mongod import free_port
from tests.support.server import Api, ServerProcess, refused
from tests.support.services import missing
from tests.support.waiting import eventually

CONF = pages.ROOT / "deploy" / "nginx.conf"
TEXT = CONF.read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------- what it says
def test_its_timeouts_are_longer_than_the_longest_wait() -> None:
    """A ping goes every 25 s, and its answer has 20."""
    timeouts = re.findall(r"proxy_(?:read|send)_timeout +(\d+)s;", TEXT)
    assert len(timeouts) == 2
    assert all(int(seconds) > 45 for seconds in timeouts)


def test_what_is_for_operators_stays_inside() -> None:
    for path in ("= /metrics", "/health/"):
        assert re.search(rf"location {path} *{{ return 404; }}", TEXT)


# ------------------------------------------------------------------------------------ what it does
@asynccontextmanager
async def proxied(folder: Path, server: ServerProcess) -> AsyncIterator[str]:
    """The file as it is, but for its ports and paths: where it answers."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        missing("nginx is not installed: apt-get install nginx-light")
    plain, tls = free_port(), free_port()
    make_certificate(folder)
    text = TEXT
    for old, new in {
        "server 127.0.0.1:5000;": f"server {server.url.removeprefix('http://')};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "/etc/ssl/chat.example/fullchain.pem": f"{folder}/chain.pem",
        "/etc/ssl/chat.example/privkey.pem": f"{folder}/key.pem",
    }.items():
        assert old in text
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    whole = (
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1;"
        f" events {{}} http {{ access_log off; {places} {text} }}"
    )
    if os.geteuid() == 0:
        whole = f"user root; {whole}"
    conf = folder / "nginx.conf"
    conf.write_text(whole)
    subprocess.run(  # noqa: ASYNC221
        [nginx, "-t", "-q", "-c", conf], check=True, capture_output=True
    )
    process = await asyncio.create_subprocess_exec(nginx, "-c", conf)
    try:
        await eventually(lambda: _answers(plain))
        yield f"https://localhost:{tls}"
    finally:
        process.terminate()
        await process.wait()


def make_certificate(folder: Path) -> None:
    """One that nobody has signed."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=chat.example"
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/chain.pem"]
    subprocess.run(["/usr/bin/env", *command.split(), *files], check=True, capture_output=True)


async def _answers(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{port}/x")).status_code == 308
    except httpx.TransportError:
        return False


@pytest.mark.prove
async def test_one_chats_through_it_by_websocket_and_by_polling(tmp_path: Path) -> None:
    (folder := tmp_path / "nginx").mkdir()
    settings: dict[str, str | int] = {
        "CHAT_TRUSTED_PROXIES": 1,
        "CHAT_RATE_LIMITS": "on",
        "CHAT_LOGINS_PER_ADDRESS": 3,
    }
    async with ServerProcess(tmp_path, **settings) as server, proxied(folder, server) as url:
        async with Api(server.url) as direct:
            alice, bob = await direct.people("alice", "bob")
        async with Api(url, verify=False) as api:
            assert (await api.send(alice, bob, "over https"))["seq"] == 1
            await check_addresses(api)
            for path in ("/metrics", "/health/ready"):
                assert (await api.http.get(f"{url}{path}")).status_code == 404
            page = await api.http.get(f"{url}/")
            assert page.headers["strict-transport-security"]
            too_long = await api.post(
                "/messages", alice, {"recipientId": bob.id, "content": "x" * 70_000}
            )
            refused(too_long, 413, "too_large")
        for transport in ("websocket", "polling"):
            async with socket_through(url, transport) as client:
                registered = await client.call("register_user", {"token": bob.token})
                assert registered["ok"], registered
                body = {"recipientId": alice.id, "content": transport}
                assert (await client.call("send_message", body))["ok"]
        assert "Traceback" not in server.log


@asynccontextmanager
async def socket_through(url: str, transport: str) -> AsyncIterator[socketio.AsyncClient]:
    """The official client, which takes any certificate."""
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection=False, ssl_verify=False, http_session=session)
        await client.connect(url, transports=[transport])
        yield client
        await client.disconnect()


async def check_addresses(api: Api) -> None:
    """What fails is counted by the client's address, which it can't make up."""
    answers = []
    for number in range(5):
        login = {"username": f"nobody{number}", "password": "wrong password"}
        made_up = {"X-Forwarded-For": f"203.0.113.{number}"}
        answers.append(await api.http.post("/users/login", json=login, headers=made_up))
    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
