"""A package's public names as a page: its parts are the modules that define them."""

import ast
import inspect
import sys
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

CONTRACT = "Contract"
"""How the name of a contract suite ends."""


def markdown(package: str) -> str:
    """A part for each module, with what autodoc makes of its names.

    Of a package with `__all__` these are the names in it. Of another package, or a module, they
    are the classes and functions that are defined there and that no package above it exports.
    """
    parts = _parts(package)
    listed = {getattr(import_module(within), name) for _, within, names in parts for name in names}
    return "\n".join(
        _part(sys.modules[defining], within, names, listed) for defining, within, names in parts
    )


def _parts(package: str) -> list[tuple[str, str, list[str]]]:
    """For each part the module that defines its names, where they are imported from, the names."""
    module = import_module(package)
    if hasattr(module, "__all__"):
        return _by_module(module, module.__all__)
    if hasattr(module, "__path__"):
        inside = [each.name for each in walk_packages(module.__path__, f"{package}.")]
        return [part for name in inside for part in _of_module(import_module(name))]
    return _of_module(module)


def _by_module(package: ModuleType, names: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """The names by the module that defines each; services first, since they are what is called."""
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(_defining(package, name), []).append(name)
    order = sorted(parts, key=lambda module: (".services." not in module, module))
    return [(module, package.__name__, parts[module]) for module in order]


def _defining(package: ModuleType, name: str) -> str:
    inside = f"{package.__name__}."
    defining = getattr(getattr(package, name), "__module__", "")
    if defining.startswith(inside):
        return str(defining)
    # An alias of a type does not know where it was written.
    (found,) = (
        module.__name__
        for module in [*sys.modules.values()]
        if getattr(module, "__name__", "").startswith(inside) and name in _assigned(module)
    )
    return found


def _assigned(module: ModuleType) -> set[str]:
    """The names that a module sets by `=`."""
    return {
        target.id
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _of_module(module: ModuleType) -> list[tuple[str, str, list[str]]]:
    above = import_module(module.__name__.partition(".")[0])
    names = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in above.__all__
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    return [(module.__name__, module.__name__, names)] if names else []


def _part(module: ModuleType, within: str, names: Sequence[str], listed: Collection[object]) -> str:
    title, _, more = inspect.cleandoc(module.__doc__ or module.__name__).partition("\n")
    lines = [f"## {title.rstrip('.')}", "", more.strip(), ""]
    for name in names:
        value = getattr(import_module(within), name)
        lines += ["```{eval-rst}", *_directive(f"{within}.{name}", value), "```", ""]
        if inspect.isclass(value) and name.endswith(CONTRACT):
            lines += [*_sentences(value, listed), ""]
    return "\n".join(lines)


def _directive(path: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        yield f".. autoclass:: {path}"
        if not path.endswith(CONTRACT):
            yield "   :members:"
        if issubclass(value, Enum):
            yield "   :undoc-members:"
    elif inspect.isfunction(value):
        yield f".. autofunction:: {path}"
    else:
        yield f".. autodata:: {path}"


def _sentences(suite: type, listed: Collection[object]) -> Iterator[str]:
    """What a contract suite tests, with those of its parts that have no list of their own."""
    for part in suite.__mro__:
        if part is suite or part not in listed:
            for name in vars(part):
                if name.startswith("test_"):
                    yield f"- {name.removeprefix('test_').replace('_', ' ')}"
