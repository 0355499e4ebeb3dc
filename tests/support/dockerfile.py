"""A Dockerfile's instructions, and a machine without an engine that follows them in a folder."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_LONG = re.compile(r"\\\n")
_OPTION = re.compile(r"--(\w[\w-]*)=(\S+)\s+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line: its word, its options, and the rest."""

    word: str
    options: Mapping[str, str]
    text: str

    def command(self) -> Sequence[str]:
        """The exec form's words."""
        words: list[str] = json.loads(self.text.removeprefix("CMD ").strip())
        return words


def instructions(path: Path) -> Sequence[Instruction]:
    """All of them, in order."""
    found = []
    for line in _LONG.sub(" ", path.read_text(encoding="utf-8")).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ")
        options = dict(_OPTION.findall(rest))
        found.append(Instruction(word, options, _OPTION.sub("", rest).strip()))
    return found


@dataclass(slots=True)
class Folders:
    """Follows the instructions below a folder, as whoever runs this, and with no root's rights.

    A path of the image is one below the folder; those below `/src` are each stage's own.
    """

    root: Path
    context: Path
    environment: dict[str, str]
    user: int | None = None
    variables: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    _stage: str = ""
    _workdir: str = "/"

    def follow(self, instruction: Instruction) -> None:
        """Do what it says; of the others only what is known when it runs is remembered."""
        match instruction.word:
            case "FROM":
                self._stage = instruction.text.partition(" AS ")[2] or "last"
                self._workdir = "/"
                self.variables = {}
            case "WORKDIR":
                self._workdir = instruction.text
                self.here.mkdir(parents=True, exist_ok=True)
            case "ENV":
                self.variables |= dict(each.split("=", 1) for each in instruction.text.split())
            case "COPY":
                self._copy(instruction)
            case "RUN":
                self.run(["sh", "-euc", self._moved(instruction.text)])
                self.ran.append(instruction.text)
            case "VOLUME" | "USER" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "CMD":
                pass
            case word:
                raise ValueError(word)

    @property
    def here(self) -> Path:
        """The working directory."""
        return self.place(self._workdir)

    def place(self, path: str, stage: str | None = None) -> Path:
        """Where a path of the image is."""
        if path == "/src" or path.startswith("/src/"):
            return self.root / (stage or self._stage) / path.lstrip("/")
        return self.root / path.lstrip("/")

    def moved_command(self, command: Sequence[str]) -> list[str]:
        """A command of the image, by its paths here."""
        return [str(self.place(word)) if word.startswith("/") else word for word in command]

    def moved_variables(self) -> dict[str, str]:
        """What `ENV` has set, by its paths here."""
        return {name: self._moved(text) for name, text in self.variables.items()}

    def run(self, command: Sequence[str]) -> None:
        """Run it to its end; what fails is told with what it said."""
        done = subprocess.run(
            command,
            cwd=self.here,
            env=self.environment | self.moved_variables(),
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.text.split()
        stage = instruction.options.get("from")
        to = self.place(target) if target.startswith("/") else self.here / target
        for source in sources:
            found = self.context / source if stage is None else self.place(source, stage)
            if found == to:
                continue  # stages share what is not below /src
            if found.is_dir():
                shutil.copytree(found, to, dirs_exist_ok=True, symlinks=True)
            else:
                into = to / found.name if target.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, into)
        if self.user is not None:
            for each in [to, *to.rglob("*")]:
                os.chown(each, self.user, self.user, follow_symlinks=False)

    def _moved(self, text: str) -> str:
        return re.sub(
            r"(?<![\w.])/(?:opt|data|src)\b[^\s;]*", lambda at: str(self.place(at[0])), text
        )
