"""The port for the maintenance of a database, which may be closed or damaged."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from chat_core.findings import Finding
from chat_core.ports.system import Clock


class DatabaseRefused(Exception):
    """The database can't be used at start; the message says why and what to do."""


class DatabaseNotReady(DatabaseRefused):
    """The database can't be used at the moment. The same call may work later."""


class Maintenance(Protocol):
    """Checks and upgrades of a database."""

    @abstractmethod
    async def pending(self) -> Sequence[str]:
        """Return what `migrate` would do, in order, as parts of sentences: "creates the index …".

        - If the database is up to date, the answer is empty.
        - It changes nothing, and creates no database.
        - If the database can't be used, raises the error that opening it raises.
        """

    @abstractmethod
    async def migrate(self) -> Sequence[str]:
        """Upgrade the database's schema and indexes to this version, and return what was done.

        - It does what was pending, and leaves nothing pending.
        - Stored data remains.
        - If the database can't be used, raises the error that opening it raises, and changes
          nothing.
        """

    @abstractmethod
    async def examine(self, clock: Clock) -> Sequence[Finding]:
        """Return the state of the database, and whether its clock agrees with this machine's.

        - If the database is well and up to date, there is no problem.
        - If it can't be used, reports a problem, with what to do about it, and raises nothing.
        - It changes nothing, and creates no database.
        """
