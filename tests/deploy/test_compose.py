"""The composition and the proxies name what there is."""

import re

from chat_server.settings import variables_by_field
from tests.support import pages

COMPOSE = (pages.ROOT / "compose.yaml").read_text(encoding="utf-8")
FILES = [
    "Dockerfile",
    "compose.yaml",
    *(f"deploy/{each.name}" for each in (pages.ROOT / "deploy").iterdir()),
]


def test_what_it_hands_over_is_a_setting() -> None:
    handed = re.findall(r"^      ([A-Z_]+): ", COMPOSE, re.MULTILINE)
    assert "JWT_SECRET" in handed
    assert set(handed) <= set(variables_by_field().values())


def test_no_port_is_open_to_the_outside() -> None:
    ports = re.findall(r'^ +- "([^"]+:\d+:\d+)"$', COMPOSE, re.MULTILINE)
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_it_waits_for_the_service_to_stop() -> None:
    (seconds,) = re.findall(r"stop_grace_period: (\d+)s", COMPOSE)
    assert int(seconds) > 10


def test_every_file_is_on_the_page() -> None:
    page = (pages.ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [each for each in FILES if f"(../{each})" not in page] == []
