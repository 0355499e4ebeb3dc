"""The effect of each packet from a client, independent of ASGI and of the transport."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from chat_core.errors import (
    AlreadyRegistered,
    ChatError,
    Invalid,
    Malformed,
    RateLimited,
    RegistrationTimeout,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
)
from chat_core.ids import ConnectionId
from chat_core.limits import Limit, TokenBucket
from chat_core.ports.system import Clock, IdGenerator
from chat_core.services.presence import Presence
from chat_core.sessions import Actor, Claims
from chat_socketio import packets
from chat_socketio.authentication import Authentication
from chat_socketio.connections import Connection, Rooms, Transport
from chat_socketio.handlers import Handler, Pipelined
from chat_wire import decode, decode_call, decode_frame, events, requests
from chat_wire.problems import ProblemReporter, problem

MAX_INBOX = 64
"""Maximum number of events of one connection that wait or have no outcome yet.

At this number the transport stops reading until there is room.
"""

MAX_INBOX_CHARACTERS = 65_536
"""Maximum characters of all waiting events. A few events of maximum length fill it."""

MAX_FAILED_REGISTRATIONS = 3

REGISTER = "register_user"


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Limits of one connection: seconds until it must be registered, and its rate of events.

    The defaults are those of the service (docs/settings.md).
    """

    registration_seconds: float = 10.0
    events: Limit = field(default_factory=lambda: Limit("events", burst=50, seconds=1.0))


class Dispatcher:
    """Runs the events of each connection one after another, in the order in which they arrive.

    A `send_message` event only waits until the one before it has its place in the order, so the
    messages of one client can share a commit. Any other event waits until all events before it are
    done.

    The transport calls `opened`, `received` and `closed`. Only `closed` reports the end of a
    connection, never an event that a client sends.
    """

    def __init__(  # noqa: PLR0913
        self,
        *,
        sessions: Authentication,
        handlers: Mapping[str, Handler],
        pipelined: Mapping[str, Pipelined[Any]],
        presence: Presence,
        rooms: Rooms,
        clock: Clock,
        ids: IdGenerator,
        problems: ProblemReporter,
        limits: SocketLimits,
    ) -> None:
        self._sessions = sessions
        self._presence = presence
        self._rooms = rooms
        self._clock = clock
        self._ids = ids
        self._problems = problems
        self._limits = limits
        self._handlers = handlers
        self._pipelined = pipelined
        self.refused_events = 0
        """Number of events refused so far because their connection exceeded its rate."""

    @property
    def packet_limit(self) -> Limit:
        """Return the limit for all packets: twice the rate of events. Above it, reading pauses."""
        events = self._limits.events
        return Limit("packets", 2 * events.burst, events.seconds)

    def opened(self, transport: Transport, auth: str | None = None) -> Connection:
        """Start a connection. `auth` is the JSON of the CONNECT packet and may contain a token."""
        connection = Connection(
            ConnectionId(self._ids.new_id()),
            transport,
            TokenBucket.full(self._limits.events, self._clock.monotonic()),
            end=lambda reason: self._end(connection, reason),
        )
        connection.deadline = self._clock.call_later(
            self._limits.registration_seconds, lambda: connection.end(RegistrationTimeout())
        )
        if auth is not None and _has_token(auth):
            self._take(connection, f'["{REGISTER}",{auth}]')
        return connection

    def received(self, connection: Connection, frame: str) -> Awaitable[object] | None:
        """Handle an event, given as its ack id, if any, and its JSON, after those before it.

        Returns None if the connection may send more now, or an awaitable to wait for first.
        """
        if connection.is_closed:
            return None
        wait = connection.event_rate.take(self._clock.monotonic())
        if wait:
            self.refused_events += 1
            ack_id, _ = packets.split_event(frame)
            if ack_id:
                refusal = RateLimited(retry_after=wait)
                self._answer(connection, ack_id, events.ErrorAck(problem(refusal)))
        else:
            self._take(connection, frame)
        if not connection.inbox and connection.unanswered < MAX_INBOX:
            return None
        return self._room(connection)

    def _room(self, connection: Connection) -> Awaitable[object] | None:
        if _has_room(connection):
            return None
        if connection.has_room is None:
            connection.has_room = asyncio.get_running_loop().create_future()
        return connection.has_room

    def closed(self, connection: Connection) -> None:
        """Note that the transport has ended. Earlier events still run. Idempotent."""
        if connection.is_closed:
            return
        connection.is_closed = True
        connection.end = _has_ended  # breaks a reference cycle, for the collector
        if connection.deadline is not None:
            connection.deadline.cancel()
            connection.deadline = None
        if connection.claims is not None:
            self._rooms.leave(connection.claims, connection)
            self._presence.disconnected(connection.claims.user_id, connection.id)

    def close(self, connection: Connection) -> None:
        """End the connection from this side, after sending what was written to it."""
        self.closed(connection)
        connection.inbox.clear()
        connection.transport.close()

    def closing(self, connection: Connection, reconnect_after_ms: int) -> None:
        """Tell the client that the server is about to stop, and when to reconnect."""
        self._tell(connection, "server_closing", events.ServerClosing(reconnect_after_ms))

    async def finish(self, connections: Iterable[Connection]) -> None:
        """Wait until every event that these connections have sent so far is answered."""
        for connection in connections:
            if connection.worker is not None:
                await asyncio.wait([connection.worker])
            await self._all_answered(connection)

    def _take(self, connection: Connection, frame: str) -> None:
        """Start an event, or queue it while the worker runs earlier ones."""
        if connection.worker is not None:
            connection.inbox.append(frame)
            return
        rest = self._begin(connection, frame)
        if rest is not None:
            work = self._work_off(connection, rest)
            connection.worker = asyncio.get_running_loop().create_task(work)

    async def _work_off(self, connection: Connection, first: Coroutine[Any, Any, None]) -> None:
        await first
        while connection.inbox:
            rest = self._begin(connection, connection.inbox.pop(0))
            if rest is not None:
                await rest
            self._make_room(connection)
        connection.worker = None

    def _begin(self, connection: Connection, frame: str) -> Coroutine[Any, Any, None] | None:
        """Start an event; return what the next event must wait for, or None. Never raises."""
        ack_id, text = packets.split_event(frame)
        event = self._pipelined.get(text[2 : text.find('"', 2)])
        if event is None or connection.actor is None or self._has_expired(connection):
            return self._run(connection, ack_id, text)
        request = decode_call(text, event.request)
        if request is None:
            return self._run(connection, ack_id, text)
        return self._pipeline(connection, ack_id, connection.actor, event, request)

    def _pipeline(
        self,
        connection: Connection,
        ack_id: str,
        actor: Actor,
        event: Pipelined[Any],
        request: requests.Request,
    ) -> Coroutine[Any, Any, None] | None:
        connection.unanswered += 1
        try:
            rest = event.begin(actor, request, partial(self._settle, connection, ack_id))
        except Exception as error:  # noqa: BLE001 - a boundary
            self._settle(connection, ack_id, error)
            return None
        return None if rest is None else self._until_placed(connection, ack_id, rest)

    async def _until_placed(
        self, connection: Connection, ack_id: str, rest: Coroutine[Any, Any, None]
    ) -> None:
        try:
            await rest
        except Exception as error:  # noqa: BLE001 - a boundary
            self._settle(connection, ack_id, error)

    def _settle(
        self, connection: Connection, ack_id: str, answer: msgspec.Struct | Exception
    ) -> None:
        """Send the outcome of a pipelined event."""
        connection.unanswered -= 1
        if not connection.unanswered and connection.all_answered is not None:
            connection.all_answered.set_result(None)
            connection.all_answered = None
        self._make_room(connection)
        if isinstance(answer, Exception):
            self._refuse(connection, ack_id, answer)
        else:
            self._answer(connection, ack_id, answer)

    async def _run(self, connection: Connection, ack_id: str, text: str) -> None:
        """Run any other event. Every exception becomes an answer here."""
        try:
            name, arguments = decode_frame(text)
            if name in self._pipelined and connection.actor is not None:
                self._check_expiry(connection)
                event = self._pipelined[name]
                request = decode(_payload(arguments), event.request)
                rest = self._pipeline(connection, ack_id, connection.actor, event, request)
                if rest is not None:
                    await rest
                return
            answer = await self._handled(connection, name, arguments)
        except Exception as error:  # noqa: BLE001
            self._refuse(connection, ack_id, error)
        else:
            self._answer(connection, ack_id, answer)
        if connection.failed_registrations >= MAX_FAILED_REGISTRATIONS:
            self.close(connection)

    async def _handled(
        self, connection: Connection, name: str, arguments: list[bytes]
    ) -> msgspec.Struct:
        await self._all_answered(connection)  # events of one client take effect in order
        self._check_expiry(connection)
        if name == REGISTER:
            return await self._register_user(connection, arguments)
        if connection.actor is None:
            raise Unauthenticated("Register the connection first, with register_user")
        handler = self._handlers.get(name)
        if handler is None:
            raise Invalid.field("event", "is not a known event")
        return await handler(connection.actor, _payload(arguments))

    async def _all_answered(self, connection: Connection) -> None:
        if connection.unanswered:
            if connection.all_answered is None:
                connection.all_answered = asyncio.get_running_loop().create_future()
            await asyncio.wait([connection.all_answered])  # `wait` does not cancel it

    def _has_expired(self, connection: Connection) -> bool:
        claims = connection.claims
        return claims is not None and self._clock.now() >= claims.expires_at

    def _check_expiry(self, connection: Connection) -> None:
        if self._has_expired(connection):
            self._end(connection, TokenExpired())
            raise TokenExpired

    def _refuse(self, connection: Connection, ack_id: str, error: Exception) -> None:
        # Without an ack id there is no one to answer, and building the document is expensive.
        if ack_id or not isinstance(error, ChatError):
            document = self._problems.report(error, connection.described())
            self._answer(connection, ack_id, events.ErrorAck(document))
        if isinstance(error, Malformed) and not ack_id:
            self.close(connection)

    def _make_room(self, connection: Connection) -> None:
        has_room = connection.has_room
        if has_room is not None and _has_room(connection):
            connection.has_room = None
            if not has_room.done():
                has_room.set_result(None)

    async def _register_user(
        self, connection: Connection, arguments: list[bytes]
    ) -> events.RegisteredAck:
        try:
            claims, device = self._verified(connection, arguments)
            if device is not None or claims.password_change_required:
                await self._sessions.require_own_password(claims)
                if device is not None:
                    await self._sessions.relabel(claims.session_id, device)
                # The session may have ended in the meantime.
                claims, _ = self._verified(connection, arguments)
            success = self._register(connection, claims)
        except AlreadyRegistered as error:
            self._tell(connection, "auth_error", events.AuthError.of(error))
            raise
        except ChatError as error:
            self._tell(connection, "auth_error", events.AuthError.of(error))
            connection.failed_registrations += 1
            raise
        self._tell(connection, "registration_success", success)
        return events.RegisteredAck(**msgspec.structs.asdict(success))

    def _verified(
        self, connection: Connection, arguments: list[bytes]
    ) -> tuple[Claims, str | None]:
        try:
            request = decode(_payload(arguments), requests.Register)
        except (Invalid, Malformed) as error:
            raise TokenInvalid(f"register_user takes an object with a token: {error}") from error
        claims = self._sessions.verify(request.token)
        known = connection.claims
        if known is not None and known.session_id != claims.session_id:
            raise AlreadyRegistered
        return claims, request.device

    def _register(self, connection: Connection, claims: Claims) -> events.RegistrationSuccess:
        """Bind the connection to the user of the verified token, or extend its registration."""
        if connection.is_closed:
            raise Unauthenticated("The connection has ended")
        now = self._clock.now()
        if connection.claims is None:
            self._presence.connected(claims.user_id, connection.id)
            self._rooms.join(claims, connection)
            connection.claims = claims
            connection.actor = claims.actor(connection.id)
        elif claims.expires_at > connection.claims.expires_at:
            connection.claims = claims
        if connection.deadline is not None:
            connection.deadline.cancel()
        connection.deadline = self._clock.call_later(
            (connection.claims.expires_at - now).total_seconds(),
            lambda: connection.end(TokenExpired()),
        )
        devices = self._presence.tracker.devices(claims.user_id)
        return events.RegistrationSuccess.of(connection.claims, devices, now)

    def _end(self, connection: Connection, error: ChatError) -> None:
        """Tell the client the reason, and close the connection."""
        if not connection.is_closed:
            self._tell(connection, "auth_error", events.AuthError.of(error))
            self.close(connection)

    def _tell(self, connection: Connection, name: str, payload: msgspec.Struct) -> None:
        connection.transport.write(packets.event(name, payload))

    def _answer(self, connection: Connection, ack_id: str, payload: msgspec.Struct) -> None:
        if ack_id:
            connection.transport.write(packets.ack(ack_id, payload))


def _has_room(connection: Connection) -> bool:
    inbox = connection.inbox
    if len(inbox) + connection.unanswered >= MAX_INBOX:
        return False
    return sum(map(len, inbox)) < MAX_INBOX_CHARACTERS


def _has_ended(_: ChatError) -> None:
    pass


def _payload(arguments: list[bytes]) -> bytes:
    if len(arguments) != 1:
        raise Invalid("An event takes exactly one argument, an object")
    return arguments[0]


def _has_token(auth: str) -> bool:
    """Return whether the `auth` of a CONNECT has a token; it may carry other data instead."""
    try:
        return "token" in decode(auth, dict[str, msgspec.Raw])
    except ChatError:
        return False
