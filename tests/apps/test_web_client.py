"""How the service serves its web client: what of it may be kept, and what it may do."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from chat_core.testing.ids import CountedIds
from chat_server.http.problems import exception_handlers
from chat_server.http.web_client import SCREENS, web_client
from chat_wire.problems import ProblemReporter

SCRIPT = b"/* the client */" * 10


def client_of(built: Path | None) -> TestClient[Litestar]:
    problems = ProblemReporter(CountedIds(), development=False)
    return TestClient(
        Litestar(
            [web_client(built)], exception_handlers=exception_handlers(problems, lambda _: None)
        )
    )


@pytest.fixture
def http(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    """A service with a client of one page and one script."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Chat</title>")
    script = tmp_path / "assets" / "index-abc.js"
    script.write_bytes(SCRIPT)
    script.with_name("index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    with client_of(tmp_path) as http:
        yield http


@pytest.mark.parametrize("screen", SCREENS)
def test_a_link_to_each_screen_leads_to_the_client(http: TestClient[Litestar], screen: str) -> None:
    answer = http.get(screen.replace("{_id:str}", "01a208de"))

    assert (answer.status_code, answer.text) == (200, "<title>Chat</title>")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_the_page_is_asked_for_each_time_and_sent_when_it_is_another(
    http: TestClient[Litestar],
) -> None:
    first = http.get("/")
    again = http.get("/", headers={"If-None-Match": first.headers["etag"]})
    other = http.get("/", headers={"If-None-Match": '"another"'})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    policy = "content-security-policy"
    assert again.headers[policy] == first.headers[policy]
    assert other.status_code == 200


def test_an_asset_may_be_kept_for_ever(http: TestClient[Litestar]) -> None:
    answer = http.get("/assets/index-abc.js")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")


def test_who_takes_compressed_files_gets_them(http: TestClient[Litestar]) -> None:
    packed = http.get("/assets/index-abc.js", headers={"Accept-Encoding": "br, gzip;q=0.8"})
    plain = http.get("/assets/index-abc.js", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == SCRIPT
    assert packed.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js"])
def test_the_client_may_load_from_this_service_alone(http: TestClient[Litestar], path: str) -> None:
    headers = http.get(path).headers
    policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert policy["trusted-types"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("name", ["other.js", "index-abc.js.gz", "..%2findex.html", "%2e%2e"])
def test_nothing_but_the_files_of_the_client_is_served(
    http: TestClient[Litestar], name: str
) -> None:
    answer = http.get(f"/assets/{name}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_where_no_client_was_built_the_page_says_how_to() -> None:
    with client_of(None) as http:
        answer = http.get("/")

    assert answer.status_code == 200
    assert "make web" in answer.text
    assert "'none'" in answer.headers["content-security-policy"]
