from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chat_core.findings import Finding, Level
from chat_core.memory import SystemClock
from chat_core.ports.maintenance import Maintenance
from chat_core.testing.clock import ManualClock
from chat_core.testing.maintenance_contract import (
    Lookout,
    MaintenanceContract,
    UserCounter,
    problems,
)
from chat_core.testing.makers import stored_users
from chat_mongo import DatabaseRefused, MongoDatabase, MongoMaintenance, MongoUserStore
from chat_mongo.database import SCHEMA_VERSION
from tests.support.mongod import Mongod, ReplicaSet, fresh_database, nobody_answers
from tests.support.ports import free_port

PATIENCE = 60
"""A machine that is busy with other tests may hold up a call for seconds."""


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def plain(url: str) -> Iterator[Database[dict[str, Any]]]:
    """The database past everything of ours."""
    with MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database()


@pytest.fixture
def absent(url: str, plain: Database[dict[str, Any]]) -> MongoMaintenance:
    return MongoMaintenance(url, plain.name, PATIENCE)


@pytest.fixture
async def current(absent: MongoMaintenance) -> MongoMaintenance:
    database = await MongoDatabase.open(
        absent.url, absent.name, patience=PATIENCE, call_seconds=PATIENCE
    )
    await stored_users(MongoUserStore(database), "ann", "bob")
    await database.close()
    return absent


@pytest.fixture
async def behind(current: MongoMaintenance, plain: Database[dict[str, Any]]) -> MongoMaintenance:
    plain["chat_entries"].drop_index("by_sender")
    plain["chat_meta"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    return current


@pytest.fixture
async def unusable(current: MongoMaintenance, plain: Database[dict[str, Any]]) -> MongoMaintenance:
    plain["chat_meta"].update_one({"_id": "schema"}, {"$set": {"version": 99}})
    return current


@pytest.fixture
def refusals() -> list[type[Exception]]:
    return [DatabaseRefused]


@pytest.fixture
def count_users(plain: Database[dict[str, Any]]) -> UserCounter:
    async def count(_: Maintenance) -> int:
        return plain["chat_users"].count_documents({})

    return count


@pytest.fixture
def is_there(plain: Database[dict[str, Any]]) -> Lookout:
    async def look(_: Maintenance) -> bool:
        return plain.name in plain.client.list_database_names()

    return look


class TestMongoMaintenance(MaintenanceContract):
    pass


async def said(maintenance: Maintenance, clock: SystemClock, subject: str) -> Finding:
    (finding,) = [each for each in await maintenance.examine(clock) if each.subject == subject]
    return finding


async def test_indexes_that_are_missing_are_told_and_made(
    behind: MongoMaintenance, clock: SystemClock
) -> None:
    assert await behind.pending() == [
        f"upgrades the schema from version 1 to {SCHEMA_VERSION}",
        "creates the index by_sender of chat_entries",
    ]

    found = await said(behind, clock, "indexes")
    assert (found.level, found.said) == (
        Level.WARNING,
        "these are missing: by_sender of chat_entries",
    )
    assert "chat-server migrate" in found.remedy


async def test_an_index_that_somebody_made_otherwise_is_a_problem(
    behind: MongoMaintenance, plain: Database[dict[str, Any]], clock: SystemClock
) -> None:
    plain["chat_entries"].create_index("sender_id", name="by_sender")

    (found,) = problems(await behind.examine(clock))
    assert found.said == "by_sender of chat_entries differs from the one this version declares"
    assert 'db.chat_entries.dropIndex("by_sender")' in found.remedy


@pytest.mark.parametrize(("apart", "level"), [(10, Level.WARNING), (3600, Level.PROBLEM)])
async def test_clocks_that_are_apart_are_told(
    current: MongoMaintenance, clock: SystemClock, apart: int, level: Level
) -> None:
    for seconds in (apart, -apart):
        ours = ManualClock(clock.now() + timedelta(seconds=seconds))
        (found,) = [each for each in await current.examine(ours) if each.subject == "clock"]
        assert found.level is level


async def test_a_set_of_one_member_is_told(current: MongoMaintenance, clock: SystemClock) -> None:
    found = await said(current, clock, "replica set")

    assert (found.level, "one member" in found.said) == (Level.WARNING, True)


async def test_a_mongod_that_stands_alone_is_a_problem(tmp_path: Path, clock: SystemClock) -> None:
    mongod = Mongod(tmp_path, replica_set=False)
    mongod.start()
    try:
        (found,) = await MongoMaintenance(f"mongodb://{mongod.address}", "chat").examine(clock)
    finally:
        mongod.kill()
    assert (found.level, "is not a replica set" in found.said) == (Level.PROBLEM, True)
    assert "rs.initiate()" in found.remedy


async def test_a_database_that_is_away_is_a_problem_and_no_password_is_told(
    clock: SystemClock,
) -> None:
    url = f"mongodb://ann:passphrase@127.0.0.1:{free_port()}/chat"
    with nobody_answers():
        (found,) = await MongoMaintenance(url, "chat", 0.5).examine(clock)

    assert (found.level, found.subject) == (Level.PROBLEM, "database")
    assert "no primary" in found.said
    assert "passphrase" not in repr(found)


@pytest.mark.prove
async def test_members_that_are_away_are_named(tmp_path: Path, clock: SystemClock) -> None:
    with ReplicaSet(tmp_path, 3) as servers:
        maintenance = MongoMaintenance(servers.url(), "chat", PATIENCE)
        await maintenance.migrate()
        assert (await said(maintenance, clock, "replica set")).level is Level.OK
        lost = next(each for each in servers.members if not each.is_primary())
        lost.kill()

        found = await said(maintenance, clock, "replica set")
        assert (found.level, lost.address in found.said) == (Level.WARNING, True)
        assert (await said(maintenance, clock, "writing")).level is Level.OK
