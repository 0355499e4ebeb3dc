"""Repeats: what was sent first under a client id, and whether a draft says the same."""

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.bodies import is_digest_of
from chat_core.errors import ClientIdConflict
from chat_core.events import ChangeKind, ConversationUpdated, MessageSent
from chat_core.ids import ConversationId
from chat_core.ports.log import Appended, CreationDraft, MessageDraft
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import ConversationDocument, EntryDocument
from chat_mongo.entries import member_rows, members_of, message, pair_of


async def first_sent(
    database: MongoDatabase, session: AsyncClientSession, draft: MessageDraft
) -> Row | None:
    """The message that was first sent under the draft's client id, with its `pair`."""
    row = await database.collection(EntryDocument).find_one(
        {"sender_id": draft.actor.user_id, "client_id": draft.client_id}, session=session
    )
    if row is not None and row["conversation_id"] != draft.conversation.id:
        conversation = await database.collection(ConversationDocument).find_one(
            {"_id": row["conversation_id"]}, {"pair": 1}, session=session
        )
        row["pair"] = (conversation or {}).get("pair")
    return row


def repeat_of(draft: MessageDraft, first: Row) -> Appended | ClientIdConflict:
    """What a draft gets under whose client id that was sent first."""
    pair = pair_of(draft.conversation)
    # A direct conversation that was not stored yet has got another id meanwhile, perhaps.
    same_conversation = first["conversation_id"] == draft.conversation.id or (
        pair is not None and first["pair"] == pair
    )
    digest = first.get("digest")
    if not same_conversation or not (digest is None or is_digest_of(digest, draft.body)):
        return ClientIdConflict()
    return Appended(MessageSent(message(first)), duplicate=True)


async def repeated_creation(
    database: MongoDatabase, session: AsyncClientSession, draft: CreationDraft
) -> Appended | ClientIdConflict | None:
    """What a creation gets whose client id was used before; None where it was not."""
    group = draft.conversation
    first = await database.collection(ConversationDocument).find_one(
        {"creator_id": draft.actor.user_id, "client_id": draft.client_id}, session=session
    )
    if first is None:
        return None
    created = await database.collection(EntryDocument).find_one(
        {"conversation_id": first["_id"], "seq": 1}, session=session
    )
    if created is None:
        raise LookupError(first["_id"])
    if created["title"] != group.title or _roles(created["members"]) != _roles(member_rows(group)):
        return ClientIdConflict()
    event = ConversationUpdated(
        ConversationId(first["_id"]),
        1,
        ChangeKind.CREATED,
        draft.actor.user_id,
        title=created["title"],
        members=members_of(created),
    )
    return Appended(event, duplicate=True)


def _roles(members: list[Row]) -> dict[str, str]:
    return {each["user_id"]: each["role"] for each in members}
