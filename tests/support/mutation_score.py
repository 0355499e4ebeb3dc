"""What `mutmut results --all true` tells: the mutants that nothing refused, and a table of all."""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

LINE = re.compile(r"\s*(?P<mutant>(?P<module>[\w.]+)\.x[_ǁ]\S*): (?P<outcome>.+)\n?")
REFUSED = {
    "killed": "tests",
    # It hangs, for far longer than its tests take.
    "timeout": "tests",
    "caught by type check": "mypy",
}
"""By whom a mutant is refused; whatever else comes of one, nothing refuses it."""
UNTRIED = "not checked"


def report(lines: Iterable[str]) -> Iterator[str]:
    """The mutants that are left; then by module, in Markdown, how many there were.

    The score is of those that mypy lets pass: how many of them the tests refuse.
    """
    modules: dict[str, Counter[str]] = defaultdict(Counter)
    for found in filter(None, map(LINE.fullmatch, lines)):
        if found["outcome"] != UNTRIED:
            by = REFUSED.get(found["outcome"], "none")
            modules[f"`{found['module']}`"][by] += 1
            if by == "none":
                yield f"{found['mutant']}: {found['outcome']}"
    yield ""
    yield "| module | mutants | refused by mypy | by the tests | left | score |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    total = sum(modules.values(), Counter[str]())
    for name, count in (*sorted(modules.items()), ("all", total)):
        tried = count["tests"] + count["none"]
        score = f"{count['tests'] / tried:.1%}" if tried else ""
        numbers = (count.total(), count["mypy"], count["tests"], count["none"], score)
        yield f"| {name} | {' | '.join(map(str, numbers))} |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in report(sys.stdin))
