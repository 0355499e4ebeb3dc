"""What the events of a registered client do, by their names."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from chat_core.ids import ConversationId
from chat_core.ports.log import Appended
from chat_core.services.messaging import Messaging
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.synchronising import Synchronising
from chat_core.sessions import Actor
from chat_wire import decode, events, requests

Stored = TypeVar("Stored")


@dataclass(frozen=True, slots=True)
class Later(Generic[Stored]):
    """The ack of an event that has its place in the order, and whose outcome is awaited."""

    outcome: "asyncio.Future[Stored]"
    ack: Callable[[Stored], msgspec.Struct]


Handler = Callable[[Actor, bytes], Awaitable[msgspec.Struct | Later[Any]]]
"""Takes who acts and the event's argument as JSON; returns the ack. Raises `ChatError`."""

PIPELINED = frozenset({"send_message"})
"""Events that are followed by others of these before it is known what came of them."""


def handlers(
    *,
    messaging: Messaging,
    synchronising: Synchronising,
    receipts: Receipts,
    typing: Typing,
) -> Mapping[str, Handler]:
    """Every event that a registered client may send."""

    async def send_message(actor: Actor, payload: bytes) -> Later[Appended]:
        request = decode(payload, requests.SendMessage)
        outcome = await messaging.submit(
            actor, request.recipient(), request.content, request.client_message_id
        )
        return Later(outcome, lambda appended: events.SentAck.of(appended, actor.user_id))

    async def sync(actor: Actor, payload: bytes) -> events.SyncAck:
        request = decode(payload, requests.Sync)
        answer = await synchronising.sync(actor.user_id, request.request())
        return events.SyncAck.of(answer, actor.user_id)

    async def mark_delivered(actor: Actor, payload: bytes) -> events.MarkedAck:
        request = decode(payload, requests.Mark)
        conversation_id = ConversationId(request.conversation_id)
        receipt = await receipts.mark_delivered(actor, conversation_id, request.seq)
        return events.MarkedAck(receipt.delivered_seq, receipt.read_seq)

    async def mark_read(actor: Actor, payload: bytes) -> events.MarkedAck:
        request = decode(payload, requests.Mark)
        conversation_id = ConversationId(request.conversation_id)
        receipt = await receipts.mark_read(actor, conversation_id, request.seq)
        return events.MarkedAck(receipt.delivered_seq, receipt.read_seq)

    async def set_typing(actor: Actor, payload: bytes) -> events.DoneAck:
        request = decode(payload, requests.Typing)
        conversation_id = ConversationId(request.conversation_id)
        await typing.set(actor, conversation_id, typing=request.typing)
        return events.DoneAck()

    return {
        "send_message": send_message,
        "sync": sync,
        "mark_delivered": mark_delivered,
        "mark_read": mark_read,
        "typing": set_typing,
    }
