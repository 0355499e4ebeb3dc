"""Findings: reports for the operator of an installation."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    """The subject works, but may fail later, or for some users."""
    PROBLEM = "problem"
    """The subject does not work, or is not safe to use."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. Its texts contain no secret."""

    level: Level
    subject: str
    said: str
    remedy: str = ""
    """What to do, or empty if nothing is needed."""


def fine(subject: str, said: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(Level.OK, subject, said)


def warning(subject: str, said: str, remedy: str) -> Finding:
    """Return a finding that the operator should know and act on."""
    return Finding(Level.WARNING, subject, said, remedy)


def problem(subject: str, said: str, remedy: str) -> Finding:
    """Return a finding that the operator must act on."""
    return Finding(Level.PROBLEM, subject, said, remedy)
