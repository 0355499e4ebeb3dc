"""A client that loses no messages: it tracks seqs and resends messages without an ack."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat_client.state import ChatState
from chat_client.wire import Disconnected, Json, Listener, Refused, Wire

RETRY = frozenset({"rate_limited", "unavailable", "overloaded"})
"""Error codes after which the client can repeat the same request."""

RETRY_SECONDS = 1.0
"""Seconds until the next attempt if the server sends no `retryAfter`."""

SYNC_NAMED = 500
"""Maximum number of conversations named in one `sync`. A frame of 64 KiB has room for about
1,000."""


@dataclass(slots=True)
class Outgoing:
    """A message without an ack. Its client id makes a retry safe."""

    client_id: str
    payload: Json
    outcome: "asyncio.Future[Json]"


def new_client_id() -> str:
    """Return a unique client message id."""
    return uuid.uuid4().hex


class ChatClient:
    """One device of a user.

    `start` connects, registers and synchronises. After the connection is lost, call it again: it
    fetches everything that was missed and resends every message without an ack. The client does not
    reconnect by itself; its owner decides when, and can await `ended`.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        on_event: Callable[[str, Json], None] | None = None,
        client_ids: Callable[[], str] = new_client_id,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.state = ChatState()
        self.is_connected = False
        self.ended_with: Json | None = None
        """The last `auth_error`, if any."""
        self.reconnect_after = 0.0
        """Seconds to wait before the next `start`, as a stopping server asked."""
        self._wire = wire
        self._on_event = on_event
        self._client_ids = client_ids
        self._sleep = sleep
        self._outbox: dict[str, Outgoing] = {}
        self._gaps: set[str] = set()
        self._catching_up: asyncio.Task[None] | None = None
        self._has_ended = asyncio.Event()

    @property
    def outbox(self) -> list[Json]:
        """The messages without an ack, oldest first."""
        return [outgoing.payload for outgoing in self._outbox.values()]

    async def start(self, token: str, device: str | None = None) -> Json:
        """Connect, register, catch up and resend; return the fields of `registration_success`.

        Raises `Refused` if the server does not accept the token, `PasswordChangeRequired` if the
        operator generated the account's password, and `Disconnected`.
        """
        self._has_ended.clear()
        await self._wire.connect({}, Listener(self._heard, self._ended))
        registered = await self._call("register_user", _given(token=token, device=device))
        self.is_connected = True
        self.ended_with = None
        self.reconnect_after = 0.0
        await self.sync()
        for outgoing in list(self._outbox.values()):
            await self._deliver(outgoing)
        return registered

    async def stop(self) -> None:
        """End the connection. The outbox keeps its messages."""
        self._ended()
        if self._catching_up is not None:
            self._catching_up.cancel()
            await asyncio.wait([self._catching_up])
        await self._wire.close()

    async def send(
        self,
        content: str,
        *,
        recipient_id: str | None = None,
        conversation_id: str | None = None,
    ) -> Json:
        """Send a message, and return it after the server has stored it.

        While the connection is down, the message waits in the outbox. If the server is busy, the
        client sends it again. Raises `Refused` if the server does not accept the message.
        """
        client_id = self._client_ids()
        payload = _given(
            content=content,
            recipientId=recipient_id,
            conversationId=conversation_id,
            clientMessageId=client_id,
        )
        outcome: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # After a reconnect, the caller may no longer wait for the answer.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        outgoing = self._outbox[client_id] = Outgoing(client_id, payload, outcome)
        if self.is_connected:
            await self._deliver(outgoing)
        return await outcome

    async def sync(self) -> None:
        """Fetch everything that was missed. Raises `Disconnected`."""
        named = list(self.state.seqs().items())
        for start in range(SYNC_NAMED, len(named), SYNC_NAMED):
            await self._sync(dict(named[start : start + SYNC_NAMED]), "none")
        # Last, because `latest` also returns the conversations named above, which have nothing new
        # by then.
        await self._sync(dict(named[:SYNC_NAMED]), "latest")

    async def mark_read(self, conversation_id: str, seq: int) -> Json:
        """Mark everything up to `seq` as read. Raises `Refused`, `Disconnected`."""
        return await self._call("mark_read", {"conversationId": conversation_id, "seq": seq})

    async def mark_delivered(self, conversation_id: str, seq: int) -> Json:
        """Mark everything up to `seq` as delivered. Raises `Refused`, `Disconnected`."""
        return await self._call("mark_delivered", {"conversationId": conversation_id, "seq": seq})

    async def set_typing(self, conversation_id: str, *, typing: bool) -> None:
        """Report that the user is typing or has stopped. Raises `Refused`, `Disconnected`."""
        await self._call("typing", {"conversationId": conversation_id, "typing": typing})

    async def ended(self) -> None:
        """Wait until the connection that `start` opened has ended, by either side."""
        await self._has_ended.wait()

    async def caught_up(self) -> None:
        """Wait until every known gap is filled."""
        while self._catching_up is not None and not self._catching_up.done():
            await asyncio.wait([self._catching_up])

    async def _sync(self, named: dict[str, int], others: str) -> None:
        unfinished = await self._sync_pages(named, others)
        before: dict[str, int] = {}
        while unfinished:
            again = {each: self.state.conversations[each].seq for each in unfinished}
            if again == before:
                raise Disconnected("The server reports more entries but does not return them")
            before, unfinished = again, await self._sync_pages(again, "none")

    async def _sync_pages(self, named: dict[str, int], others: str) -> list[str]:
        cursor, unfinished = None, list[str]()
        while True:
            request = _given(conversations=named, others=others, cursor=cursor)
            answer = await self._call("sync", request)
            parts = answer["conversations"]
            unfinished += [each["conversationId"] for each in parts if self.state.synced(each)]
            cursor = answer["nextCursor"]
            if cursor is None:
                return unfinished

    async def _deliver(self, outgoing: Outgoing) -> None:
        try:
            ack = await self._call("send_message", outgoing.payload)
        except Disconnected:
            return  # the message stays in the outbox
        except Refused as refusal:
            if refusal.code in RETRY:
                await self._sleep(refusal.problem.get("retryAfter", RETRY_SECONDS))
                if self.is_connected and outgoing.client_id in self._outbox:
                    await self._deliver(outgoing)
                return
            self._outbox.pop(outgoing.client_id, None)
            if not outgoing.outcome.done():
                outgoing.outcome.set_exception(refusal)
            return
        self._outbox.pop(outgoing.client_id, None)
        self._take("new_message", ack["message"])
        if not outgoing.outcome.done():
            outgoing.outcome.set_result(ack["message"])

    async def _call(self, event: str, payload: Json) -> Json:
        ack = await self._wire.call(event, payload)
        if not ack.get("ok"):
            raise Refused.of(ack["error"])
        return ack

    def _heard(self, event: str, data: Json) -> None:
        if event == "auth_error":
            self.ended_with = data
        elif event == "server_closing":
            self.reconnect_after = data["reconnectAfterMs"] / 1000
        self._take(event, data)
        if self._on_event is not None:
            self._on_event(event, data)

    def _take(self, event: str, data: Json) -> None:
        gap = self.state.push(event, data)
        if gap is not None:
            self._gaps.add(gap)
            if self._catching_up is None or self._catching_up.done():
                loop = asyncio.get_running_loop()
                self._catching_up = loop.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        while self._gaps:
            gaps, self._gaps = self._gaps, set()
            known = self.state.seqs()
            try:
                if gaps <= known.keys():
                    await self._sync({each: known[each] for each in gaps}, "none")
                else:
                    await self.sync()
            except (Disconnected, Refused):
                return  # the next start synchronises everything

    def _ended(self) -> None:
        self.is_connected = False
        self._has_ended.set()


def _given(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
