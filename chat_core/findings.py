"""Findings: what somebody who looks after an installation is told about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and may not for ever, or not for everybody."""
    PROBLEM = "problem"
    """It does not work, or must not be used so."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. No text holds a secret."""

    level: Level
    subject: str
    said: str
    remedy: str = ""
    """What to do; empty where nothing has to be done."""


def fine(subject: str, said: str) -> Finding:
    """All is well with it."""
    return Finding(Level.OK, subject, said)


def warning(subject: str, said: str, remedy: str) -> Finding:
    """Something to know, and to do."""
    return Finding(Level.WARNING, subject, said, remedy)


def problem(subject: str, said: str, remedy: str) -> Finding:
    """Something that has to be done."""
    return Finding(Level.PROBLEM, subject, said, remedy)
