"""A wire without a network, which passes packets directly to a server's dispatcher."""

import asyncio
import json
import re
from abc import abstractmethod
from typing import Any, Protocol

from chat_client.wire import Disconnected, Json, Listener, Wire

_ACK = re.compile(r"3(\d+)(\[.*\])", re.DOTALL)


class Dispatcher(Protocol):
    """The part of the server's dispatcher that this wire uses."""

    @abstractmethod
    def opened(self, transport: Any, auth: str | None = None) -> Any:  # noqa: ANN401
        """Report that a client has connected."""

    @abstractmethod
    def received(self, connection: Any, frame: str) -> Any:  # noqa: ANN401
        """Report that an event has arrived."""

    @abstractmethod
    def closed(self, connection: Any) -> None:  # noqa: ANN401
        """Report that the transport has ended."""


class InProcessWire(Wire):
    """Passes Socket.IO packets by function calls; both ends run in one event loop."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.link: Link | None = None

    async def connect(self, auth: Json, listener: Listener) -> None:
        """See `Wire.connect`."""
        await self.close()
        self.link = self.new_link(listener)
        text = json.dumps(auth) if auth else None
        self.link.connection = self.dispatcher.opened(self.link, text)

    def new_link(self, listener: Listener) -> "Link":
        """Return the client's end of a new connection."""
        return Link(listener)

    async def call(self, event: str, payload: Json) -> Json:
        """See `Wire.call`."""
        link = self.link
        if link is None or link.is_closed:
            raise Disconnected
        ack_id, ack = link.expect_ack()
        self.dispatcher.received(link.connection, f"{ack_id}{json.dumps([event, payload])}")
        return await ack

    async def close(self) -> None:
        """See `Wire.close`."""
        self.lose()

    def lose(self) -> None:
        """Break the connection. Packets in transit are lost, in both directions."""
        link, self.link = self.link, None
        if link is not None:
            link.cut()
            self.dispatcher.closed(link.connection)


class Link:
    """The client's end of one connection, which the server uses as its transport."""

    def __init__(self, listener: Listener) -> None:
        self.connection: Any = None
        self.is_closed = False
        self._listener = listener
        self._acks: dict[int, asyncio.Future[Json]] = {}
        self._next_ack = 0

    def expect_ack(self) -> tuple[int, "asyncio.Future[Json]"]:
        """Return a new ack id, and a future for its answer."""
        ack_id, self._next_ack = self._next_ack, self._next_ack + 1
        ack = self._acks[ack_id] = asyncio.get_running_loop().create_future()
        return ack_id, ack

    def write(self, packet: str) -> None:
        """Receive a packet from the server."""
        if self.is_closed:
            return
        ack = _ACK.fullmatch(packet)
        if ack is not None:
            future = self._acks.pop(int(ack[1]))
            if not future.done():
                future.set_result(json.loads(ack[2])[0])
            return
        self._listener.pushed(*json.loads(packet[1:]))

    def close(self) -> None:
        """Handle the end of the connection by the server."""
        if not self.is_closed:
            self.cut()
            self._listener.ended()

    def cut(self) -> None:
        """Stop receiving, and raise `Disconnected` in every call that waits for an ack."""
        self.is_closed = True
        for ack in self._acks.values():
            if not ack.done():
                ack.set_exception(Disconnected())
        self._acks.clear()
