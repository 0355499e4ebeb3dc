"""The documents in MongoDB, and the indexes that their queries need.

Times are UTC with whole milliseconds, which is what BSON keeps. What does not apply is left out of
a document or null, which to a query is the same. The log and the conversations are read and
written as plain documents of these shapes, without a model's cost for each message (ADR 12).
"""

from datetime import UTC, datetime
from typing import ClassVar

from beanie import Document
from bson import Timestamp
from pydantic import BaseModel, ConfigDict
from pymongo import ASCENDING, DESCENDING, IndexModel

MESSAGE = "message"
"""The kind of an entry that is a message."""
EDITED, DELETED = "edited", "deleted"
"""The kinds that change a message; all others are those of `ChangeKind`."""

BY_THE_SERVER = Timestamp(0, 0)
"""The server puts its time in place of it, at the insert, and that counts up."""

FIRST_SEQ = 1
"""Of a log of which nothing has expired."""


def _unique(name: str, *fields: str) -> IndexModel:
    """Unique among the documents that have the last of the fields."""
    # By a comparison, which the planner sees in every query for a value; it does not for a type.
    return IndexModel(
        [(field, ASCENDING) for field in fields],
        name=name,
        unique=True,
        partialFilterExpression={fields[-1]: {"$gt": ""}},
    )


class NamedDocument(Document):
    """A document whose id is text that the domain knows."""

    id: str  # type: ignore[assignment]  # (Beanie's own is an ObjectId)


class UserDocument(NamedDocument):
    """An account. The keys are the folded names (`chat_core.users.fold`)."""

    username: str | None = None
    username_key: str | None = None
    display_name: str | None = None
    display_key: str | None = None
    email: str | None = None
    email_key: str | None = None
    password_hash: str
    created_at: datetime
    deleted_at: datetime | None = None
    last_seen_at: datetime | None = None
    disabled_at: datetime | None = None
    password_change_required: bool = False

    class Settings:
        """Of Beanie."""

        name = "chat_users"
        indexes: ClassVar = [
            _unique("username_is_unique", "username_key"),
            _unique("email_is_unique", "email_key"),
            IndexModel([("display_key", ASCENDING), ("_id", ASCENDING)], name="by_display_name"),
        ]


class SessionDocument(NamedDocument):
    """A login, with the digests of its refresh token in force and of the one before.

    `family` is the digest, in hex, of what all its tokens share, None until the first refresh of a
    session whose tokens are a `RefreshTokenDocument` each.
    """

    user_id: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None = None
    current: bytes
    previous: bytes | None = None
    replaced_at: datetime | None = None
    family: str | None = None
    address: str | None = None
    network: str | None = None
    """That the address counts in: of IPv6 the /64."""
    user_agent: str | None = None

    class Settings:
        """Of Beanie."""

        name = "chat_sessions"
        indexes: ClassVar = [
            IndexModel([("user_id", ASCENDING), ("ended_at", ASCENDING)], name="by_user"),
            _unique("family_is_unique", "family"),
            IndexModel([("user_id", ASCENDING), ("network", ASCENDING)], name="by_network"),
            IndexModel([("last_seen_at", ASCENDING)], name="by_last_seen"),
            IndexModel(
                [("ended_at", ASCENDING)],
                name="by_end",
                partialFilterExpression={"ended_at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}},
            ),
        ]


class RefreshTokenDocument(NamedDocument):
    """A refresh token without a family, by its digest in hex, and the session that it is of.

    None are added: they are those of older versions, until their sessions are purged.
    """

    session_id: str

    class Settings:
        """Of Beanie."""

        name = "chat_refresh_tokens"
        indexes: ClassVar = [IndexModel([("session_id", ASCENDING)], name="by_session")]


class MemberDocument(BaseModel):
    """A member, inside a conversation."""

    user_id: str
    role: str
    joined_at: datetime


class ConversationDocument(NamedDocument):
    """A conversation as its log's last change left it; nothing in it changes with a message."""

    kind: str
    title: str | None = None
    pair: str | None = None
    """Direct: both user ids in order, with a space between."""
    members: list[MemberDocument]
    gone: list[str] | None = None
    """Direct: those of the two whose accounts are gone."""
    revision: int
    created_at: datetime
    creator_id: str | None = None
    client_id: str | None = None
    first_seq: int | None = None
    """The oldest place that is kept, once entries have expired."""

    class Settings:
        """Of Beanie."""

        name = "chat_conversations"
        indexes: ClassVar = [
            IndexModel([("members.user_id", ASCENDING)], name="by_member"),
            _unique("pair_is_unique", "pair"),
            _unique("client_id_is_unique", "creator_id", "client_id"),
        ]


class EntryDocument(NamedDocument):
    """One place of a log: a message as it is now, or a change with an id of its own.

    `revision` is the conversation's after this entry. So the last entry alone tells where a log
    ends and on what the next entry has to be judged.
    """

    conversation_id: str
    seq: int
    revision: int
    kind: str
    at: datetime
    """When it was appended."""
    place: Timestamp | None = None
    """The server's time of the insert, which counts up over all logs; entries of schema version 2
    and before have none."""
    expired: bool | None = None
    """True of one that is kept only for its client id, or because it tells where its log ends."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    # A message
    sender_id: str | None = None
    recipient_id: str | None = None
    updated_seq: int | None = None
    content: str | None = None
    """The text of the body."""
    more: str | None = None
    """All else of the body, as JSON."""
    client_id: str | None = None
    digest: bytes | None = None
    """Of the body as it was first sent, where there is a client id, while the sender exists."""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    # A change
    actor_id: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    role: str | None = None
    title: str | None = None
    members: list[MemberDocument] | None = None
    """Of a creation."""

    class Settings:
        """Of Beanie."""

        name = "chat_entries"
        indexes: ClassVar = [
            IndexModel(
                [("conversation_id", ASCENDING), ("seq", DESCENDING)],
                name="place_is_unique",
                unique=True,
            ),
            _unique("client_id_is_unique", "sender_id", "client_id"),
            IndexModel([("place", ASCENDING)], name="by_place", sparse=True),
            IndexModel(
                [
                    ("conversation_id", ASCENDING),
                    ("sender_id", ASCENDING),
                    ("seq", DESCENDING),
                ],
                name="by_sender",
            ),
            IndexModel(
                [("message_id", ASCENDING), ("seq", ASCENDING)],
                name="by_message",
                partialFilterExpression={"message_id": {"$gt": ""}},
            ),
        ]


class StandingDocument(NamedDocument):
    """Where a member stands, past or present; there is none as long as nothing has moved.

    The id is those of the conversation and the user, with a space between. One's own messages are
    not counted in here: whoever sent one has read up to it.
    """

    delivered_seq: int = 0
    read_seq: int = 0
    removed_seq: int | None = None
    user_id: str | None = None
    """Of who was removed."""

    class Settings:
        """Of Beanie."""

        name = "chat_standings"
        indexes: ClassVar = [
            IndexModel(
                [("user_id", ASCENDING)],
                name="by_removed_user",
                partialFilterExpression={"removed_seq": {"$gt": 0}},
            ),
        ]


class BlockDocument(NamedDocument):
    """A block. The id is those of who blocks and who is blocked, with a space between."""

    at: datetime

    class Settings:
        """Of Beanie."""

        name = "chat_blocks"


class MetaDocument(NamedDocument):
    """What is said about the database as a whole."""

    version: int | None = None
    """Of `schema`: the shape of all these documents."""
    writes: int | None = None
    """Of `fence`: writes that only come between others."""

    class Settings:
        """Of Beanie."""

        name = "chat_meta"


DOCUMENTS = (
    UserDocument,
    SessionDocument,
    RefreshTokenDocument,
    ConversationDocument,
    EntryDocument,
    StandingDocument,
    BlockDocument,
    MetaDocument,
)
