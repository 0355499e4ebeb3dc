"""A client that loses nothing: it keeps its seqs, and resends what was not acked."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chat_client.state import ChatState
from chat_client.wire import Disconnected, Json, Listener, Refused, Wire

RETRY = frozenset({"rate_limited", "unavailable", "overloaded"})
"""Codes after which the same request may be made again."""

RETRY_SECONDS = 1.0
"""Until the next try, where the server does not say."""

SYNC_NAMED = 500
"""Conversations that are named in one `sync`: a frame of 64 KiB has room for about a thousand."""


@dataclass(slots=True)
class Outgoing:
    """A message that was not acked yet, under the client id that makes a retry safe."""

    client_id: str
    payload: Json
    outcome: "asyncio.Future[Json]"


def new_client_id() -> str:
    """A client message id that nobody else uses."""
    return uuid.uuid4().hex


class ChatClient:
    """One device of a user.

    `start` connects, registers and synchronises; call it again after the connection was lost, and
    everything that was missed is there, and everything that was not acked is sent again. It does
    not reconnect by itself: when to try again is the business of whoever owns the client, who may
    await `ended`.
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
        """The last `auth_error`, if there was one."""
        self.reconnect_after = 0.0
        """Seconds: how long a server that stopped has asked to wait before the next `start`."""
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
        """What was sent and not acked, oldest first."""
        return [outgoing.payload for outgoing in self._outbox.values()]

    async def start(self, token: str, device: str | None = None) -> Json:
        """Connect, register, catch up and resend: the fields of `registration_success`.

        Raises `Refused` where the token is not taken, `PasswordChangeRequired` where the operator
        generated the account's password, `Disconnected`.
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
        """End the connection; what is in the outbox stays there."""
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
        """Send a message: the message, once the server holds it.

        While the connection is down it waits in the outbox, and while the server is busy it is
        sent again. Raises `Refused`, and the message is not sent.
        """
        client_id = self._client_ids()
        payload = _given(
            content=content,
            recipientId=recipient_id,
            conversationId=conversation_id,
            clientMessageId=client_id,
        )
        outcome: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # Whoever sent it may have gone when the answer comes, after a reconnect.
        outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        outgoing = self._outbox[client_id] = Outgoing(client_id, payload, outcome)
        if self.is_connected:
            await self._deliver(outgoing)
        return await outcome

    async def sync(self) -> None:
        """Ask for everything that was missed. Raises `Disconnected`."""
        named = list(self.state.seqs().items())
        for start in range(SYNC_NAMED, len(named), SYNC_NAMED):
            await self._sync(dict(named[start : start + SYNC_NAMED]), "none")
        # Last, since the others are the ones above too: of them it brings nothing new.
        await self._sync(dict(named[:SYNC_NAMED]), "latest")

    async def mark_read(self, conversation_id: str, seq: int) -> Json:
        """Everything up to `seq` was read. Raises `Refused`, `Disconnected`."""
        return await self._call("mark_read", {"conversationId": conversation_id, "seq": seq})

    async def mark_delivered(self, conversation_id: str, seq: int) -> Json:
        """Everything up to `seq` has arrived. Raises `Refused`, `Disconnected`."""
        return await self._call("mark_delivered", {"conversationId": conversation_id, "seq": seq})

    async def set_typing(self, conversation_id: str, *, typing: bool) -> None:
        """Tell that one types, or stopped. Raises `Refused`, `Disconnected`."""
        await self._call("typing", {"conversationId": conversation_id, "typing": typing})

    async def ended(self) -> None:
        """Wait until the connection that `start` made has ended, by whomever."""
        await self._has_ended.wait()

    async def caught_up(self) -> None:
        """Wait until no gap is being filled."""
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
            return  # it stays in the outbox
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
