"""The systemd unit: what it promises, and what systemd thinks of it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from chat_server.settings import variables_by_field
from chat_server.stopping import STOP_SECONDS
from tests.support import pages

UNIT = pages.ROOT / "deploy" / "chat-core.service"
EXPOSURE = 2.0
"""Of 10, by `systemd-analyze security`; up to 2 it calls it OK."""


def service() -> configparser.SectionProxy:
    """Its section; of what stands there several times the last."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNIT, encoding="utf-8")
    return unit["Service"]


def test_it_has_longer_to_stop_than_it_takes() -> None:
    assert float(service()["TimeoutStopSec"]) > STOP_SECONDS
    assert service()["KillSignal"] == "SIGTERM"


def test_it_may_write_its_state_and_nothing_else() -> None:
    assert service()["ProtectSystem"] == "strict"
    assert service()["NoNewPrivileges"] == "yes"
    state = f"/var/lib/{service()['StateDirectory']}"
    assert f"sqlite:///{state}/chat.db" in UNIT.read_text(encoding="utf-8")
    # Prometheus's client reads the start of the process from there.
    assert "ProcSubset" not in service()


def test_it_sets_what_is_a_setting() -> None:
    text = UNIT.read_text(encoding="utf-8")
    (*lines,) = re.findall(r"^Environment=(.+)$", text, re.MULTILINE)
    named = {each.split("=")[0] for line in lines for each in line.split()}
    assert named <= set(variables_by_field().values())
    assert "JWT_SECRET" not in named


@pytest.mark.prove
def test_systemd_has_nothing_to_say_against_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = tmp_path / UNIT.name
    # The program is not installed here.
    text = UNIT.read_text(encoding="utf-8").replace("/opt/chat/bin/chat-server run", "/bin/true")
    unit.write_text(text)
    verified = subprocess.run(
        ["/usr/bin/env", "systemd-analyze", "verify", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    command = ["/usr/bin/env", "systemd-analyze", "security", "--offline=true", str(unit)]
    rated = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated)
    assert found
    assert float(found[1]) <= EXPOSURE
