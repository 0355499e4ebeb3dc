"""The nginx and the Caddy of deploy/, between real clients and the service."""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import httpx
import pytest
import socketio

from tests.support import pages
from tests.support.http_client import http_client
from tests.support.ports import free_port
from tests.support.server import Api, ServerProcess, refused
from tests.support.services import missing
from tests.support.waiting import eventually

NGINX = (pages.ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
CADDY = (pages.ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------- what it says
def test_its_timeouts_are_longer_than_the_longest_wait() -> None:
    """A ping goes every 25 s, and its answer has 20."""
    timeouts = re.findall(r"(?:proxy_read|proxy_send|read)_timeout +(\d+)s", NGINX + CADDY)
    assert len(timeouts) == 3
    assert all(int(seconds) > 45 for seconds in timeouts)


def test_what_is_for_operators_stays_inside() -> None:
    for path in ("= /metrics", "/health/"):
        assert re.search(rf"location {path} *{{ return 404; }}", NGINX)
    assert "@inside path /metrics /health/*\n\trespond @inside 404\n" in CADDY


def test_browsers_are_told_to_come_back_by_tls_alone() -> None:
    """For a year, and to every host below this one."""
    value = "max-age=31536000; includeSubDomains"
    assert f'add_header Strict-Transport-Security "{value}" always;' in NGINX
    assert f'header Strict-Transport-Security "{value}"' in CADDY


# ------------------------------------------------------------------------------------ what it does
def program(name: str, package: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        missing(f"{name} is not installed: apt-get install {package}")
    return found


def adapted(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@asynccontextmanager
async def running(plain: int, *command: str | Path) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await eventually(lambda: _answers(plain))
        yield
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def behind_nginx(folder: Path, server: ServerProcess) -> AsyncIterator[str]:
    """The file as it is, but for its ports and paths: where it answers."""
    nginx = program("nginx", "nginx-light")
    plain, tls = free_port(), free_port()
    make_certificate(folder)
    changes = {
        "server 127.0.0.1:5000;": f"server {server.url.removeprefix('http://')};",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "/etc/ssl/chat.example/fullchain.pem": f"{folder}/chain.pem",
        "/etc/ssl/chat.example/privkey.pem": f"{folder}/key.pem",
    }
    text = adapted(NGINX, changes)
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
    async with running(plain, nginx, "-c", conf):
        yield f"https://localhost:{tls}"


@asynccontextmanager
async def behind_caddy(folder: Path, server: ServerProcess) -> AsyncIterator[str]:
    """The file as it is, but for its host, its ports and its certificate."""
    caddy = program("caddy", "caddy")
    plain, tls = free_port(), free_port()
    make_certificate(folder)
    changes = {
        "\nchat.example {\n": f"\nlocalhost {{\n\ttls {folder}/chain.pem {folder}/key.pem\n",
        "127.0.0.1:5000": server.url.removeprefix("http://"),
    }
    options = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {tls}\n}}\n"
    conf = folder / "Caddyfile"
    conf.write_text(options + adapted(CADDY, changes))
    async with running(plain, caddy, "run", "--config", conf, "--adapter", "caddyfile"):
        yield f"https://localhost:{tls}"


def make_certificate(folder: Path) -> None:
    """One that nobody has signed."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=chat.example"
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/chain.pem"]
    subprocess.run(["/usr/bin/env", *command.split(), *files], check=True, capture_output=True)


async def _answers(port: int) -> bool:
    try:
        async with http_client() as http:
            return (await http.get(f"http://localhost:{port}/x")).status_code == 308
    except httpx.TransportError:
        return False


@pytest.mark.prove
@pytest.mark.parametrize("proxied", [behind_nginx, behind_caddy])
async def test_one_chats_through_it_by_websocket_and_by_polling(
    tmp_path: Path,
    proxied: Callable[[Path, ServerProcess], AbstractAsyncContextManager[str]],
) -> None:
    (folder := tmp_path / "proxy").mkdir()
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
