"""The documents in MongoDB, and the indexes that their queries need.

Times are in UTC with whole milliseconds, the precision of BSON. A field that does not apply is
absent or null; queries treat both alike. Logs and conversations are read and written as plain
documents of these shapes, which avoids the cost of a model for each message (ADR 12).
"""

from datetime import UTC, datetime
from typing import ClassVar

from beanie import Document
from bson import Timestamp
from pydantic import BaseModel, ConfigDict
from pymongo import ASCENDING, DESCENDING, IndexModel

MESSAGE = "message"
"""The kind of a message's entry."""
EDITED, DELETED = "edited", "deleted"
"""The kinds of changes to messages. `ChangeKind` has the others."""

BY_THE_SERVER = Timestamp(0, 0)
"""The server replaces this value with its own time at the insert. Those times only increase."""

FIRST_SEQ = 1
"""The first place of a log from which nothing has expired."""


def _unique(name: str, *fields: str) -> IndexModel:
    """Return a unique index over the documents that have the last of these fields."""
    # The filter is a comparison, which the planner can match with any query for a value. It can't
    # match a filter on the type.
    return IndexModel(
        [(field, ASCENDING) for field in fields],
        name=name,
        unique=True,
        partialFilterExpression={fields[-1]: {"$gt": ""}},
    )


class NamedDocument(Document):
    """A document whose id is a text from the domain."""

    id: str  # type: ignore[assignment]  # (Beanie's own id is an ObjectId)


class UserDocument(NamedDocument):
    """An account. The `_key` fields have the folded names (`chat_core.users.fold`)."""

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
        """Settings for Beanie."""

        name = "chat_users"
        indexes: ClassVar = [
            _unique("username_is_unique", "username_key"),
            _unique("email_is_unique", "email_key"),
            IndexModel([("display_key", ASCENDING), ("_id", ASCENDING)], name="by_display_name"),
        ]


class SessionDocument(NamedDocument):
    """A login, with the digests of its current and its previous refresh token.

    `family` is the hex digest of the part that all its tokens share. It is None for sessions of an
    older version, whose tokens are `RefreshTokenDocument`s, until their next refresh.
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
    """The network of the address. For IPv6 it is the /64."""
    user_agent: str | None = None

    class Settings:
        """Settings for Beanie."""

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
    """A refresh token without a family: its hex digest as the id, and its session.

    Only older versions created these. They remain until their sessions are purged.
    """

    session_id: str

    class Settings:
        """Settings for Beanie."""

        name = "chat_refresh_tokens"
        indexes: ClassVar = [IndexModel([("session_id", ASCENDING)], name="by_session")]


class MemberDocument(BaseModel):
    """A member, inside a conversation."""

    user_id: str
    role: str
    joined_at: datetime


class ConversationDocument(NamedDocument):
    """A conversation after the last change in its log. Messages don't change this document."""

    kind: str
    title: str | None = None
    pair: str | None = None
    """Direct conversations: both user ids in order, separated by a space."""
    members: list[MemberDocument]
    gone: list[str] | None = None
    """Direct conversations: the users whose accounts are deleted."""
    revision: int
    created_at: datetime
    creator_id: str | None = None
    client_id: str | None = None
    first_seq: int | None = None
    """The oldest place that is kept, if entries have expired."""

    class Settings:
        """Settings for Beanie."""

        name = "chat_conversations"
        indexes: ClassVar = [
            IndexModel([("members.user_id", ASCENDING)], name="by_member"),
            _unique("pair_is_unique", "pair"),
            _unique("client_id_is_unique", "creator_id", "client_id"),
        ]


class EntryDocument(NamedDocument):
    """One entry of a log: the current state of a message, or a change with its own id.

    `revision` is the conversation's revision after this entry. So the last entry alone says where a
    log ends, and which revision the next entry must have.
    """

    conversation_id: str
    seq: int
    revision: int
    kind: str
    at: datetime
    """When the entry was appended."""
    place: Timestamp | None = None
    """The server's time of the insert, which increases over all logs. Entries of schema version
    2 and earlier have none."""
    expired: bool | None = None
    """True if the entry is kept only for its client id, or because it is the last entry of its
    log."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    # Fields of a message
    sender_id: str | None = None
    recipient_id: str | None = None
    updated_seq: int | None = None
    content: str | None = None
    """The text of the body."""
    more: str | None = None
    """The rest of the body, as JSON."""
    client_id: str | None = None
    digest: bytes | None = None
    """A digest of the original body. Stored only for messages with a client id, until the
    sender's account is deleted."""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    # Fields of a change
    actor_id: str | None = None
    message_id: str | None = None
    user_id: str | None = None
    role: str | None = None
    title: str | None = None
    members: list[MemberDocument] | None = None
    """The first members, in the entry of a group's creation."""

    class Settings:
        """Settings for Beanie."""

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
    """The standing of a present or past member; absent until one of its fields is set.

    The id has the conversation's id and the user's, separated by a space. The marks here ignore the
    user's own messages. Reads add those, because a sender has read everything up to the last one.
    """

    delivered_seq: int = 0
    read_seq: int = 0
    removed_seq: int | None = None
    user_id: str | None = None
    """The user's id, set when the user is removed."""

    class Settings:
        """Settings for Beanie."""

        name = "chat_standings"
        indexes: ClassVar = [
            IndexModel(
                [("user_id", ASCENDING)],
                name="by_removed_user",
                partialFilterExpression={"removed_seq": {"$gt": 0}},
            ),
        ]


class BlockDocument(NamedDocument):
    """A block. The id has the blocking user's id and the blocked user's, separated by a space."""

    at: datetime

    class Settings:
        """Settings for Beanie."""

        name = "chat_blocks"


class MetaDocument(NamedDocument):
    """Data about the database as a whole."""

    version: int | None = None
    """In the document `schema`: the version of all these documents."""
    writes: int | None = None
    """In the document `fence`: the number of writes that only serve to separate others."""

    class Settings:
        """Settings for Beanie."""

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
