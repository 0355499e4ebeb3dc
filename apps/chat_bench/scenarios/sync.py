"""Clients that return and request what they missed."""

import asyncio
import time
from dataclasses import dataclass

import msgspec

from chat_bench.connections import ConnectionFailed
from chat_bench.plan import Sync
from chat_bench.scenarios.scenario import Listener, Stage, connect_all
from chat_bench.socketio import SocketIoConnection

SENDING_AT_ONCE = 20
LIMIT = 500


class _Message(msgspec.Struct, rename="camel"):
    conversation_id: str
    seq: int


class _Sent(msgspec.Struct):
    ok: bool
    message: _Message


class _Data(msgspec.Struct):
    content: str | None = None


class _Entry(msgspec.Struct):
    seq: int
    data: _Data


class _Part(msgspec.Struct, rename="camel"):
    conversation_id: str
    entries: list[_Entry]
    has_more: bool
    reset: bool


class _Synced(msgspec.Struct):
    ok: bool
    conversations: list[_Part]


_sent = msgspec.json.Decoder(tuple[_Sent])
_synced = msgspec.json.Decoder(tuple[_Synced])


@dataclass(frozen=True, slots=True)
class _Missed:
    """The messages that a reader missed."""

    conversation_id: str
    after: int
    contents: list[str]


class SyncScenario:
    """See `Scenario`; a reader syncs until it has every entry, and then starts again."""

    def __init__(self, stage: Stage, work: Sync) -> None:
        self._stage = stage
        self._work = work
        self._readers: list[SocketIoConnection] = []
        self._missed: list[_Missed] = []

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        for reader in range(0, self._work.clients, 2):
            self._missed.append(await self._write(reader + 1, reader))
            self._readers.append(self._connection(reader))
        await connect_all(self._readers, self._stage.plan.url)

    async def run(self) -> None:
        """See `Scenario.run`."""
        async with asyncio.TaskGroup() as readers:
            for reader, missed in zip(self._readers, self._missed, strict=True):
                readers.create_task(self._read_again_and_again(reader, missed))

    def close(self) -> None:
        """See `Scenario.close`."""
        for reader in self._readers:
            reader.cut()

    def _connection(self, client: int) -> SocketIoConnection:
        tally, run = self._stage.tally, self._stage.plan.run
        account = self._stage.account(client)
        return SocketIoConnection(account.token, Listener(tally), client_ids=run)

    async def _write(self, writer: int, reader: int) -> _Missed:
        connection = self._connection(writer)
        await connection.connect(self._stage.plan.url)
        recipient = self._stage.account(reader).id
        contents: dict[int, str] = {}
        conversation_id = ""
        for begin in range(0, self._work.entries, SENDING_AT_ONCE):
            some = [
                f"{self._stage.plan.run}-{reader}-{each}".ljust(self._work.content_bytes, ".")
                for each in range(begin, min(self._work.entries, begin + SENDING_AT_ONCE))
            ]
            acks = await asyncio.gather(
                *(
                    connection.call("send_message", {"recipientId": recipient, "content": content})
                    for content in some
                )
            )
            for content, ack in zip(some, acks, strict=True):
                try:
                    (sent,) = _sent.decode(ack)
                except msgspec.ValidationError as error:
                    raise ConnectionFailed(f"a message was refused: {ack[:300]!r}") from error
                contents[sent.message.seq] = content
                conversation_id = sent.message.conversation_id
        connection.cut()
        ordered = [contents[seq] for seq in sorted(contents)]
        return _Missed(conversation_id, min(contents) - 1, ordered)

    async def _read_again_and_again(self, reader: SocketIoConnection, missed: _Missed) -> None:
        tally = self._stage.tally
        while not tally.is_over:
            started = time.monotonic()
            contents = await self._read(reader, missed)
            if contents != missed.contents:
                tally.problem("entries lost, out of order or from elsewhere")
                return
            tally.took("sync", started)
            tally.add(len(contents))

    async def _read(self, reader: SocketIoConnection, missed: _Missed) -> list[str | None]:
        seq, contents, has_more = missed.after, list[str | None](), True
        while has_more:
            answer = await reader.call(
                "sync",
                {
                    "conversations": {missed.conversation_id: seq},
                    "others": "none",
                    "limit": LIMIT,
                },
            )
            (synced,) = _synced.decode(answer)
            (part,) = synced.conversations
            for entry in part.entries:
                if part.reset or entry.seq != seq + 1:
                    return []
                seq = entry.seq
                contents.append(entry.data.content)
            has_more = part.has_more
        return contents
