"""The direction of imports: it holds, and the check that says so can fail."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELVES = (".", "adapters", "apps")
CORE_IS_PURE = "The core imports nothing but the standard library"
CORE_IS_LAYERED = "Inside the core, services use ports and ports use the model"
ADAPTERS_ARE_APART = "Adapters know the core and the wire shapes, never each other"
THE_WIRE_ALONE = "The load tool knows a server by its wire alone"
ONE_COMPOSITION_ROOT = "Only the container and its databases know which adapter is used"
ONE_INJECTOR = "Only the container knows the injection library"
CONTRACTS = {
    CORE_IS_PURE,
    CORE_IS_LAYERED,
    ADAPTERS_ARE_APART,
    THE_WIRE_ALONE,
    ONE_COMPOSITION_ROOT,
    ONE_INJECTOR,
}
_VERDICT = re.compile(r"^(?P<name>.+?) (?P<verdict>KEPT|BROKEN)\b", re.MULTILINE)


def verdicts(tree: Path) -> Mapping[str, str]:
    """What import-linter says of the packages in `tree`: KEPT or BROKEN by contract."""
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env=os.environ
        # The tree's own packages come before the installed ones; one line for each contract.
        | {"PYTHONPATH": os.pathsep.join(str(tree / shelf) for shelf in SHELVES), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = {match["name"]: match["verdict"] for match in _VERDICT.finditer(linted.stdout)}
    assert found.keys() == CONTRACTS, linted.stdout + linted.stderr
    assert linted.returncode == int("BROKEN" in found.values())
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a copy of the packages and their contracts, to break."""
    for folder in ("chat_core", "adapters", "apps", "tests/architecture"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__", "node_modules"),
        )
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_import_contract_is_kept() -> None:
    assert verdicts(ROOT) == dict.fromkeys(CONTRACTS, "KEPT")


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("chat_core/ids.py", "msgspec", CORE_IS_PURE),
        ("chat_core/services/__init__.py", "pytest", CORE_IS_PURE),
        ("chat_core/ports/__init__.py", "chat_core.services", CORE_IS_LAYERED),
        ("chat_core/errors.py", "chat_core.ports", CORE_IS_LAYERED),
        ("adapters/chat_sqlite/__init__.py", "chat_security", ADAPTERS_ARE_APART),
        ("adapters/chat_wire/__init__.py", "chat_socketio", ADAPTERS_ARE_APART),
        ("apps/chat_bench/plan.py", "chat_client", THE_WIRE_ALONE),
        ("apps/chat_bench/plan.py", "chat_server", THE_WIRE_ALONE),
        ("apps/chat_server/intruder.py", "chat_sqlite", ONE_COMPOSITION_ROOT),
        ("apps/chat_server/intruder.py", "chat_core.memory", ONE_COMPOSITION_ROOT),
        ("apps/chat_server/intruder.py", "dependency_injector", ONE_INJECTOR),
    ],
)
def test_a_forbidden_import_breaks_its_contract_and_no_other(
    tree: Path, module: str, imported: str, contract: str
) -> None:
    with (tree / module).open("a", encoding="utf-8") as source:
        source.write(f"\nimport {imported}\n")

    assert verdicts(tree) == dict.fromkeys(CONTRACTS, "KEPT") | {contract: "BROKEN"}


def test_the_core_loads_without_any_installed_package() -> None:
    load_all = """
import pkgutil, sys
sys.path.insert(0, sys.argv[1])
import chat_core
for module in pkgutil.walk_packages(chat_core.__path__, "chat_core."):
    if not f"{module.name}.".startswith("chat_core.testing."):
        __import__(module.name)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
    # -I: no user's site, no PYTHONPATH; -S: no site-packages.
    loaded = subprocess.run(
        [sys.executable, "-I", "-S", "-c", load_all, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert set(loaded.stdout.split()) - sys.stdlib_module_names == {"__main__", "chat_core"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """Build the wheel that would be published."""
    into = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (built,) = into.glob("*.whl")
    with zipfile.ZipFile(built) as wheel:
        yield wheel


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packages = {
        path.parent.name for shelf in SHELVES for path in ROOT.glob(f"{shelf}/chat_*/__init__.py")
    }
    (metadata,) = {name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name}

    assert {name.partition("/")[0] for name in wheel.namelist()} == packages | {metadata}
    assert [name for name in wheel.namelist() if "/peers/" in name] == []


def test_the_wheel_holds_the_web_client_as_it_was_built(wheel: zipfile.ZipFile) -> None:
    built = ROOT / "apps" / "chat_web" / "dist"
    files = {f"chat_server/web/{each.relative_to(built)}" for each in built.rglob("*.*")}

    assert {name for name in wheel.namelist() if "chat_server/web/" in name} == files


def test_every_package_in_the_wheel_is_typed(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    packages = {name.partition("/")[0] for name in names if name.startswith("chat_")}
    packages = {package for package in packages if not package.endswith(".dist-info")}

    assert {f"{package}/py.typed" for package in packages} <= names


def test_a_base_install_needs_no_other_distribution(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(wheel.read(name).decode())

    required = metadata.get_all("Requires-Dist", [])
    assert required
    assert [needed for needed in required if "extra ==" not in needed] == []


def test_a_service_without_mongodb_does_not_load_its_driver() -> None:
    """It would take a quarter of the CPU of every start, and of every command."""
    program = "import sys, chat_server.asgi, chat_server.importing; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "chat_sqlite" in loaded
    assert not {"beanie", "bson", "chat_mongo", "pymongo"} & set(loaded)
