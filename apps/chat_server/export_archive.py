"""The archive of a user's data: a zip file of JSON files, and a text that explains them."""

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from chat_core.conversations import Overview
from chat_core.ids import UserId
from chat_core.messages import Message
from chat_core.services.export import Export
from chat_core.users import User
from chat_wire import shapes
from chat_wire.shapes import maybe_time, time

README = """\
All that {name} has, as of {at}.

profile.json        The account: names, e-mail address, when it was made and last seen. The password
                    is not kept, only a hash, from which nobody can tell it; it is not in here.
sessions.json       The devices that are logged in, and where they were last seen.
blocks.json         Whom {name} has blocked.
conversations.json  The conversations that {name} is in: members, title, how far each member got
                    (receipts), and the file with its messages.
conversations/      A file for each: every message that is kept, of everyone, in order (seq), as it
                    is now. "own" tells which {name} sent. An edited message has editedAt, and only
                    its present content is kept; a deleted one has deletedAt, and no content.
left-groups.json    What {name} said in groups before leaving them. What others said there is not
                    for {name} to see any more.

Times are UTC. Every file is JSON in UTF-8.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """Numbers of items in an archive; `own` counts the user's messages, also in groups left."""

    conversations: int
    messages: int
    own: int


async def write_archive(export: Export, user_id: UserId, at: str, path: Path) -> Exported:
    """Write an archive that only its owner can read; it gets its name once it is complete.

    Memory use does not depend on the number of messages. Raises `NotFound`.
    """
    user = await export.profile(user_id)
    with (
        _whole(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        return await _Archive(archive, export, user).write(at)


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that gets this name on success, and is deleted otherwise."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@dataclass(slots=True)
class _Archive:
    archive: zipfile.ZipFile
    export: Export
    user: User
    conversations: int = 0
    messages: int = 0
    own: int = 0

    async def write(self, at: str) -> Exported:
        export, user = self.export, self.user
        self.archive.writestr("README.txt", README.format(name=user.username, at=at))
        self._write("profile.json", _profile(user))
        sessions = await export.sessions_of(user.id)
        self._write(
            "sessions.json",
            [
                {
                    "device": each.device,
                    "createdAt": time(each.created_at),
                    "lastSeenAt": time(each.last_seen_at),
                    "address": each.address,
                    "userAgent": each.user_agent,
                }
                for each in sessions
            ],
        )
        with self._list("blocks.json") as add:
            async for blocked in export.blocked_by(user.id):
                add(_named(blocked.id, blocked))
        with self._list("conversations.json") as add:
            async for overview in export.conversations_of(user.id):
                self.conversations += 1
                add(_conversation(overview, await export.members_of(overview)))
        async for overview in export.conversations_of(user.id):
            await self._conversation(overview)
        with self._list("left-groups.json") as add:
            async for message in export.said_before_leaving(user.id):
                add(self._message(message))
        return Exported(self.conversations, self.messages, self.own)

    async def _conversation(self, overview: Overview) -> None:
        conversation_id = overview.id
        with self._list(_file_of(overview)) as add:
            async for message in self.export.messages_in(conversation_id):
                add(self._message(message))

    def _message(self, message: Message) -> object:
        is_own = message.sender_id == self.user.id
        self.messages += 1
        self.own += is_own
        shape = shapes.Message.of(message, self.user.id)
        fields = zip(shape.__struct_encode_fields__, shape.__struct_fields__, strict=True)
        return {"own": is_own} | {name: getattr(shape, field) for name, field in fields}

    def _write(self, name: str, content: object) -> None:
        self.archive.writestr(name, _text(content) + "\n")

    @contextmanager
    def _list(self, name: str) -> Iterator[Callable[[object], None]]:
        """Yield a function that appends an item to a JSON list in this file."""
        with self.archive.open(name, "w", force_zip64=True) as file:
            writer = _ListWriter(file)
            yield writer.add
            writer.end()


@dataclass(slots=True)
class _ListWriter:
    file: IO[bytes]
    is_empty: bool = True

    def add(self, item: object) -> None:
        self.file.write(("[\n" if self.is_empty else ",\n").encode())
        self.file.write(_text(item).encode())
        self.is_empty = False

    def end(self) -> None:
        self.file.write(b"[]\n" if self.is_empty else b"\n]\n")


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)


def _file_of(overview: Overview) -> str:
    return f"conversations/{overview.id}.json"


def _profile(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "displayName": user.display_name,
        "email": user.email,
        "createdAt": time(user.created_at),
        "lastSeenAt": maybe_time(user.last_seen_at),
    }


def _named(user_id: UserId, user: User | None) -> dict[str, Any]:
    return {
        "userId": user_id,
        "username": user.username if user else None,
        "displayName": user.display_name if user else None,
    }


def _conversation(overview: Overview, users: Mapping[UserId, User]) -> dict[str, Any]:
    standing = overview.standing
    return {
        "id": overview.id,
        "kind": overview.kind.value,
        "title": overview.title,
        "createdAt": time(overview.created_at),
        "members": [
            _named(each.user_id, users.get(each.user_id))
            | {"role": each.role.value, "joinedAt": time(each.joined_at)}
            for each in overview.members
        ],
        "firstSeq": standing.first_seq,
        "lastSeq": standing.last_seq,
        "readSeq": standing.read_seq,
        "receipts": [
            {
                "userId": each.user_id,
                "deliveredSeq": each.delivered_seq,
                "readSeq": each.read_seq,
            }
            for each in standing.receipts
        ],
        "messages": _file_of(overview),
    }
