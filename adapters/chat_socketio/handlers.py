"""The handlers for events of registered clients, by name."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from chat_core.ids import ConversationId
from chat_core.ports.log import Appended, Outcome
from chat_core.services.messaging import Messaging
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.synchronising import Synchronising
from chat_core.sessions import Actor
from chat_wire import decode, events, requests

Request = TypeVar("Request", bound=requests.Request)

Handler = Callable[[Actor, bytes], Awaitable[msgspec.Struct]]
"""Takes the actor and the event's argument as JSON; returns the ack. Raises `ChatError`."""

Answer = Callable[[msgspec.Struct | Exception], None]
"""Takes the ack of an event, or the exception if it failed."""


@dataclass(frozen=True, slots=True)
class Pipelined(Generic[Request]):
    """An event that does not wait for the outcomes of earlier events of its kind."""

    request: type[Request]
    """The type of its argument."""
    begin: Callable[[Actor, Request, Answer], Coroutine[Any, Any, None] | None]
    """Starts the event. Returns a coroutine to await until the event has its place in the order, or
    None if it has one. The answer follows once the outcome is known. If the call or the coroutine
    raises `ChatError`, no answer follows.
    """


def pipelined(messaging: Messaging) -> Mapping[str, Pipelined[Any]]:
    """Return the events of which one client may have many in progress."""

    def send_message(
        actor: Actor, request: requests.SendMessage, answer: Answer
    ) -> Coroutine[Any, Any, None] | None:
        def done(outcome: Outcome) -> None:
            if isinstance(outcome, Appended):
                answer(events.SentAck.of(outcome, actor.user_id))
            else:
                answer(outcome)

        return messaging.submit(
            actor, request.recipient(), request.body(), request.client_message_id, done
        )

    return {"send_message": Pipelined(requests.SendMessage, send_message)}


def handlers(
    *,
    synchronising: Synchronising,
    receipts: Receipts,
    typing: Typing,
) -> Mapping[str, Handler]:
    """Return the handlers for all other events of registered clients."""

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
        "sync": sync,
        "mark_delivered": mark_delivered,
        "mark_read": mark_read,
        "typing": set_typing,
    }
