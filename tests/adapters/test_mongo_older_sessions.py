"""Sessions whose refresh tokens have no family, as schema version 1 left them."""

from dataclasses import replace

import pytest

from chat_core.errors import RefreshReused, SessionRevoked, TokenInvalid
from chat_core.ids import SessionId
from chat_core.sessions import RefreshUse
from chat_core.testing.makers import at, user
from chat_core.testing.sessions_refresh_contract import digest, use
from chat_mongo import MongoDatabase, MongoSessionStore
from chat_mongo.documents import RefreshTokenDocument, SessionDocument

ANN = user("ann")
PHONE = SessionId("phone")


def old(token: str, replacement: str, seconds: float) -> RefreshUse:
    return use(token, replacement, seconds, family=f"of {token}")


@pytest.fixture
async def sessions(empty_mongodb: MongoDatabase) -> MongoSessionStore:
    """With one that was refreshed twice, the last time a minute after its start."""
    await empty_mongodb.collection(SessionDocument).insert_one(
        {
            "_id": PHONE,
            "user_id": ANN.id,
            "device": "phone",
            "created_at": at(0),
            "last_seen_at": at(60),
            "ended_at": None,
            "current": digest("a3"),
            "previous": digest("a2"),
            "replaced_at": at(60),
        }
    )
    await empty_mongodb.collection(RefreshTokenDocument).insert_many(
        {"_id": digest(token).hex(), "session_id": PHONE} for token in ("a1", "a2", "a3")
    )
    return MongoSessionStore(empty_mongodb)


async def test_their_tokens_go_on_working_and_leave_no_document(
    sessions: MongoSessionStore,
) -> None:
    login = await sessions.refresh(old("a3", "b1", 100))
    assert (login.id, login.user_id, login.device) == (PHONE, ANN.id, "phone")
    assert (login.address, login.user_agent) == (None, None)
    await sessions.refresh(old("a3", "b2", 101))  # the answer got lost
    for number in range(2, 20):
        await sessions.refresh(use(f"b{number}", f"b{number + 1}", 100 + number, "of a3"))

    tokens = sessions.database.collection(RefreshTokenDocument)
    assert await tokens.count_documents({}) == 3
    with pytest.raises(RefreshReused) as caught:
        await sessions.refresh(use("b1", "c", 200, "of a3"))
    assert caught.value.session_id == PHONE
    with pytest.raises(SessionRevoked):
        await sessions.refresh(old("a1", "c", 200))
    assert await sessions.purge(at(999), limit=9) == 1
    assert await tokens.count_documents({}) == 0
    with pytest.raises(TokenInvalid):
        await sessions.refresh(old("a1", "c", 1000))


@pytest.mark.parametrize("token", ["a1", "a2", "a3"])
async def test_their_tokens_are_recognised_after_their_use(
    sessions: MongoSessionStore, token: str
) -> None:
    await sessions.refresh(old("a3", "b", 100))
    with pytest.raises(RefreshReused):
        await sessions.refresh(old(token, "c", 111))
    with pytest.raises(SessionRevoked):
        await sessions.refresh(use("b", "c", 112, "of a3"))


async def test_an_answer_that_was_lost_before_the_upgrade_can_be_asked_for_again(
    sessions: MongoSessionStore,
) -> None:
    for number in range(1, 3):
        await sessions.refresh(old("a2", f"b{number}", 61))
    refreshed = await sessions.refresh(use("b2", "b3", 62, "of a2"))
    assert refreshed == replace(refreshed, id=PHONE, last_seen_at=at(62))
    with pytest.raises(RefreshReused):
        await sessions.refresh(old("a3", "c", 63))
