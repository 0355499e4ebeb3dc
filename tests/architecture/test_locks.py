"""What `make run` and `make test` install is fixed, the same for both, and from any registry."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "requirements" / "server.txt"
DEVELOPMENT = ROOT / "requirements" / "dev.txt"
NODE = ROOT / "requirements" / "node.txt"
JAVASCRIPT = [
    ROOT / "tests" / "js" / "package-lock.json",
    ROOT / "apps" / "chat_bench" / "peers" / "package-lock.json",
    ROOT / "apps" / "chat_web" / "package-lock.json",
    ROOT / "docs" / "diagrams" / "package-lock.json",
]


def pins(lock: Path) -> set[str]:
    return set(re.findall(r"^\S+==\S+", lock.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("lock", [SERVER, NODE])
def test_the_development_lock_holds_the_others_at_the_same_versions(lock: Path) -> None:
    assert pins(lock) < pins(DEVELOPMENT)


@pytest.mark.parametrize("lock", [SERVER, NODE, DEVELOPMENT])
def test_every_pin_has_a_hash(lock: Path) -> None:
    entries = re.split(r"^(?=\S+==)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", JAVASCRIPT)
def test_every_javascript_package_has_a_hash_and_no_registry(lock: Path) -> None:
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    del packages[""]

    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


@pytest.mark.parametrize("lock", [SERVER, NODE, DEVELOPMENT])
def test_no_lock_names_a_registry(lock: Path) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", JAVASCRIPT)
def test_no_javascript_package_comes_from_a_registry_that_is_named(lock: Path) -> None:
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    for package in packages.values():
        package.pop("funding", None)  # where its authors ask for donations

    assert "://" not in json.dumps(packages)
