"""The import contract that import-linter does not bring: an allow-list instead of a ban list."""

import sys
from typing import TYPE_CHECKING, cast

from importlinter import Contract, ContractCheck, fields, output
from importlinter.application.contract_utils import AlertLevel, remove_ignored_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grimp import ImportGraph
    from importlinter.domain.imports import ImportExpression, Module


class StandardLibraryOnly(Contract):
    """A package imports itself and the standard library, `ignore_imports` aside.

    A ban list would have to name every package there is; `sys.stdlib_module_names` is complete.
    """

    package = fields.ModuleField()
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def check(self, graph: "ImportGraph", verbose: bool) -> ContractCheck:  # noqa: FBT001 (its base's)
        warnings = remove_ignored_imports(
            graph, cast("Sequence[ImportExpression]", self.ignore_imports), AlertLevel.NONE
        )
        package = cast("Module", self.package).name
        foreign = [
            (importer, imported)
            for importer in sorted({package} | graph.find_descendants(package))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.partition(".")[0] not in sys.stdlib_module_names | {package}
        ]
        return ContractCheck(kept=not foreign, warnings=warnings, metadata={"foreign": foreign})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["foreign"]:
            output.print_error(f"{importer} imports {imported}", bold=False)
