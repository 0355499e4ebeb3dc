"""Port to a database as those see it who look after it: not open, perhaps not well."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from chat_core.findings import Finding
from chat_core.ports.system import Clock


class DatabaseRefused(Exception):
    """The database can't be used as it is; the message says why and what to do. Raised at start."""


class DatabaseNotReady(DatabaseRefused):
    """It can't be used just now: the same may work later."""


class Maintenance(Protocol):
    """What brings a database up to date, and tells how it is."""

    @abstractmethod
    async def pending(self) -> Sequence[str]:
        """What `migrate` would do, in order, each as a sentence has it: "creates the index …".

        - Nothing, where the database is up to date.
        - It changes nothing, and makes no database where there is none.
        - A database that can't be used: raises what opening it raises.
        """

    @abstractmethod
    async def migrate(self) -> Sequence[str]:
        """Bring the database to this version's schema and indexes: what was done.

        - What it did is what was pending, and nothing is pending then.
        - What was stored is there afterwards.
        - A database that can't be used: raises what opening it raises, and changes nothing.
        """

    @abstractmethod
    async def examine(self, clock: Clock) -> Sequence[Finding]:
        """How the database is, and whether its times go with those of the clock here.

        - Of one that is well and up to date there is no problem.
        - One that can't be used is a problem, with what to do about it, and raises nothing.
        - It changes nothing, and makes no database where there is none.
        """
