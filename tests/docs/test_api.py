"""docs/api.md lists the public names, all of them and no others."""

import importlib
import inspect
from types import ModuleType

import pytest
from hypothesis.strategies import SearchStrategy

from chat_core.testing import makers, plugin, strategies
from tests.support import pages

PAGE = pages.ROOT / "docs" / "api.md"
CURATED = ("chat_core", "chat_core.ports", "chat_core.memory", "chat_core.testing")


def listed(heading: str) -> list[str]:
    names = [pages.code(name) for name, _ in pages.table(PAGE, heading)]
    assert all(len(each) == 1 for each in names)
    return [each for (each,) in names]


@pytest.mark.parametrize("name", CURATED)
def test_the_names_of_a_module_are_those_that_it_offers(name: str) -> None:
    module = importlib.import_module(name)

    assert listed(name) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, each) for each in module.__all__)


@pytest.mark.parametrize("name", CURATED)
def test_every_public_class_and_function_says_what_it_is(name: str) -> None:
    module = importlib.import_module(name)
    offered = {each: getattr(module, each) for each in module.__all__}
    # `__doc__` is not inherited; a dataclass without one gets its signature for it.
    described = {
        each: what.__doc__ or ""
        for each, what in offered.items()
        if inspect.isclass(what) or inspect.isfunction(what)
    }

    assert described
    assert [each for each, text in described.items() if text.partition("(")[0] in {"", each}] == []


def test_the_names_of_makers_are_listed() -> None:
    assert listed("chat_core.testing.makers") == sorted(
        name for name, made in vars(makers).items() if _is_own(makers, name, made)
    )


def _is_own(module: ModuleType, name: str, made: object) -> bool:
    return (
        inspect.isfunction(made) and made.__module__ == module.__name__ and not name.startswith("_")
    )


def test_the_fixtures_of_the_plugin_are_listed() -> None:
    fixtures = [
        name
        for name, made in vars(plugin).items()
        if type(made).__name__ == "FixtureFunctionDefinition"
    ]

    assert listed("chat_core.testing.plugin") == sorted(fixtures)


def test_the_strategies_are_listed() -> None:
    own = [name for name, made in vars(strategies).items() if isinstance(made, SearchStrategy)]

    assert listed("chat_core.testing.strategies") == sorted(own)


@pytest.mark.parametrize("path", listed("Adapters"))
def test_an_adapter_that_is_listed_can_be_imported(path: str) -> None:
    module_name, _, name = path.rpartition(".")
    module = importlib.import_module(module_name)

    assert hasattr(module, name)
    assert name in getattr(module, "__all__", [name])
