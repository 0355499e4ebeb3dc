"""The composition root, which chooses the adapter for each port."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from dependency_injector import containers, providers

from chat_core.memory import (
    CachedBlocks,
    CachedConversations,
    CacheTellingLog,
    MemoryRateLimiter,
    SystemClock,
)
from chat_core.ports.log import ConversationLog
from chat_core.ports.system import IdGenerator
from chat_core.services.accounts import Accounts
from chat_core.services.administration import Administration
from chat_core.services.blocking import Blocking
from chat_core.services.conversations import Conversations
from chat_core.services.delivery import Delivery
from chat_core.services.erasure import Erasure
from chat_core.services.export import Export
from chat_core.services.fair_queue import FairQueue
from chat_core.services.login_attempts import PASSWORDS_AT_ONCE
from chat_core.services.messaging import Messaging
from chat_core.services.presence import Presence
from chat_core.services.purging import SessionPurge
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.retention import Retention
from chat_core.services.revocation import Revocations
from chat_core.services.sessions import Sessions
from chat_core.services.synchronising import Synchronising
from chat_security import Argon2Hasher, JwtTokens, is_bcrypt
from chat_server.admission import SocketAdmission
from chat_server.clock_jumps import ClockJumps
from chat_server.connection_bound import ConnectionBound
from chat_server.databases import Stores
from chat_server.hosts import HostPolicy
from chat_server.http.request_rates import RequestRates
from chat_server.ids import TimeOrderedIds
from chat_server.limits import (
    OPENED,
    REQUESTS_READ,
    anonymous_request_limit,
    connection_limit,
    group_limits,
    login_limits,
    message_limits,
    message_rate,
    opening_pace,
    password_rules,
    profile_changes,
    rate,
    refresh_limits,
    refused_poll_limit,
    request_limit,
    signups,
    token_life,
    typing_rate,
)
from chat_server.metrics import HttpRequests, LoopLag, Metrics, Sources
from chat_server.origins import OriginPolicy
from chat_server.security_log import SecurityLog, write_to_log
from chat_server.settings import Settings
from chat_server.stopping import Stopping
from chat_socketio import (
    DirectWebSockets,
    Dispatcher,
    Outbound,
    OutboundBound,
    Rooms,
    SocketApp,
    SocketLimits,
    SocketServer,
    TransportLimits,
    handlers,
    pipelined,
)
from chat_wire.problems import ProblemReporter

__all__ = ["SOCKET_PATH", "Container", "is_bcrypt"]

SOCKET_PATH = "/socket.io"
EVENTS = "events"
"""Name of the limit on a connection's events."""


def _socket_limits(settings: Settings) -> SocketLimits:
    events = rate(settings, EVENTS, settings.events_per_second, 1.0)
    return SocketLimits(settings.registration_seconds, events)


def _outbound(settings: Settings) -> Outbound:
    return Outbound(
        OutboundBound(
            settings.outbound_packets, settings.outbound_bytes, settings.outbound_total_bytes
        )
    )


def _transport_limits(settings: Settings) -> TransportLimits:
    return TransportLimits(settings.connect_seconds, settings.frame_bytes)


def _tokens(settings: Settings) -> JwtTokens:
    previous = settings.jwt_secret_previous
    return JwtTokens(
        settings.signing_secret(),
        previous=None if previous is None else previous.get_secret_value(),
        lifetime=token_life(settings),
    )


def _origin_policy(settings: Settings) -> OriginPolicy:
    return OriginPolicy(settings.cors_origins, any_localhost=not settings.production)


def _host_policy(settings: Settings) -> HostPolicy:
    return HostPolicy(frozenset(settings.hosts))


def _problem_reporter(settings: Settings, ids: IdGenerator) -> ProblemReporter:
    return ProblemReporter(ids, development=not settings.production)


def _wire_log(log: ConversationLog, rooms: Rooms) -> Delivery:
    delivery = Delivery(rooms)
    log.follow(delivery)
    return delivery


def _connection_bound(settings: Settings, sockets: Callable[[], SocketServer]) -> ConnectionBound:
    def sessions(network: str) -> int:
        # Called only once there is a connection, when the database is already open.
        return sockets().connections_of(network)

    return ConnectionBound(
        settings.connections,
        replace(connection_limit(settings), burst=settings.connections_per_address),
        opening_pace(settings),
        counts_addresses=settings.trusted_proxies == 0,
        sessions=sessions,
    )


def _websocket_protocol(
    server: SocketServer, *, admission: SocketAdmission, problems: ProblemReporter
) -> type[asyncio.BufferedProtocol]:
    """Return the protocol to which uvicorn hands websockets; they bypass ASGI."""
    direct = DirectWebSockets(
        server.eio, path=SOCKET_PATH, admission=admission.admit, problems=problems
    )
    return direct.protocol()


def _metrics(  # noqa: PLR0913, PLR0917 - all sources of metrics
    stores: Stores,
    messaging: Messaging,
    synchronising: Synchronising,
    presence: Presence,
    sessions: Sessions,
    revocations: Revocations,
    rooms: Rooms,
    sockets: SocketServer,
    outbound: Outbound,
    dispatcher: Dispatcher,
    hasher: Argon2Hasher,
    limiter: MemoryRateLimiter,
    reads: FairQueue,
    http: HttpRequests,
    loop_lag: LoopLag,
    admission: SocketAdmission,
    bound: ConnectionBound,
    clock_jumps: ClockJumps,
    problems: ProblemReporter,
) -> Metrics:
    def refused() -> Mapping[str, int]:
        return {
            **limiter.refused,
            **(admission.refused + Counter({bound.per_address.name: bound.refused_of_address})),
            "connections": bound.refused,
            REQUESTS_READ: bound.pauses,
            OPENED: bound.opened_late,
            "requests at once": reads.refused,
            "passwords at once": sessions.queue.refused,
            "sessions per user": sessions.displaced.total(),
            "connections per user": presence.refused.total(),
            EVENTS: dispatcher.refused_events,
            dispatcher.packet_limit.name: sockets.pauses,
        }

    return Metrics(
        Sources(
            connections=lambda: sockets.connections,
            users_online=lambda: len(presence.tracker.online()),
            sent=messaging.sent,
            synced=synchronising.synced,
            pushes=lambda: rooms.pushes,
            cut_offs=lambda: outbound.cut_offs,
            commits=stores.commits,
            calls=stores.calls,
            free_bytes=stores.free_bytes,
            hashes_waiting=lambda: hasher.waiting,
            hashes_refused=lambda: hasher.refused,
            rates_refused=refused,
            revocations_age=revocations.age,
            http=http,
            loop_lag=loop_lag,
            clock_jumps=clock_jumps,
            incidents=lambda: problems.incidents,
        )
    )


class Container(containers.DeclarativeContainer):
    """All objects of the service; set `stores` once the database is open."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    stores: providers.Dependency[Stores] = providers.Dependency(instance_of=Stores)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(TimeOrderedIds)
    hasher = providers.Singleton(Argon2Hasher)
    tokens = providers.Singleton(_tokens, settings)
    limiter = providers.Singleton(MemoryRateLimiter, clock)
    reads = providers.Singleton(
        FairQueue,
        clock,
        calls_at_once=settings.provided.requests_at_once,
        turns_at_once=stores.provided.reads_at_once,
    )
    rooms = providers.Singleton(Rooms)
    origins = providers.Singleton(_origin_policy, settings)
    hosts = providers.Singleton(_host_policy, settings)
    problems = providers.Singleton(_problem_reporter, settings, ids)
    stopping = providers.Singleton(Stopping)
    security_events = providers.Singleton(SecurityLog, clock, providers.Object(write_to_log))

    # Cached reads for callers whose result the log or a store checks again: sending, receipts,
    # typing.
    known_conversations = providers.Singleton(CachedConversations, stores.provided.conversations)
    blocks = providers.Singleton(CachedBlocks, stores.provided.blocks, clock)
    log = providers.Singleton(CacheTellingLog, stores.provided.log, known_conversations)

    delivery = providers.Singleton(_wire_log, log, rooms)
    presence = providers.Singleton(
        Presence,
        users=stores.provided.users,
        conversations=stores.provided.conversations,
        notifier=rooms,
        clock=clock,
        connections_per_user=settings.provided.connections_per_user,
    )
    revocations = providers.Singleton(
        Revocations,
        sessions=stores.provided.sessions,
        users=stores.provided.users,
        connections=rooms,
        clock=clock,
        token_life=providers.Callable(token_life, settings),
        security_events=security_events,
    )
    sessions = providers.Singleton(
        Sessions,
        sessions=stores.provided.sessions,
        users=stores.provided.users,
        revocations=revocations,
        connections=rooms,
        hasher=hasher,
        issuer=tokens,
        verifier=tokens,
        limiter=limiter,
        reads=reads,
        queue=providers.Singleton(FairQueue, clock, calls_at_once=PASSWORDS_AT_ONCE),
        clock=clock,
        ids=ids,
        security_events=security_events,
        limits=providers.Callable(login_limits, settings),
        lasting=providers.Callable(refresh_limits, settings),
        per_user=settings.provided.sessions_per_user,
        passwords=providers.Callable(password_rules, settings),
    )
    accounts = providers.Singleton(
        Accounts,
        users=stores.provided.users,
        reads=reads,
        hasher=hasher,
        limiter=limiter,
        presence=presence,
        clock=clock,
        ids=ids,
        signups=providers.Callable(signups, settings),
        passwords=providers.Callable(password_rules, settings),
        sessions=sessions,
        security_events=security_events,
        changes=providers.Callable(profile_changes, settings),
    )
    administration = providers.Singleton(
        Administration,
        users=stores.provided.users,
        accounts=stores.provided.accounts,
        sessions=stores.provided.sessions,
        revocations=revocations,
        hasher=hasher,
        clock=clock,
        ids=ids,
        security_events=security_events,
        passwords=providers.Callable(password_rules, settings),
    )
    session_purge = providers.Singleton(
        SessionPurge,
        sessions=stores.provided.sessions,
        clock=clock,
        lasting=providers.Callable(refresh_limits, settings),
        token_life=providers.Callable(token_life, settings),
    )
    messaging = providers.Singleton(
        Messaging,
        users=stores.provided.users,
        conversations=known_conversations,
        reader=stores.provided.reader,
        log=log,
        blocks=blocks,
        limiter=limiter,
        clock=clock,
        ids=ids,
        limits=providers.Callable(message_limits, settings),
    )
    conversations = providers.Singleton(
        Conversations,
        conversations=stores.provided.conversations,
        reader=stores.provided.reader,
        log=log,
        users=stores.provided.users,
        limiter=limiter,
        clock=clock,
        ids=ids,
        limits=providers.Callable(group_limits, settings),
        opening=providers.Callable(message_rate, settings),
        reads=reads,
    )
    synchronising = providers.Singleton(
        Synchronising,
        conversations=stores.provided.conversations,
        reader=stores.provided.reader,
        reads=reads,
    )
    receipts = providers.Singleton(
        Receipts,
        conversations=known_conversations,
        receipts=stores.provided.receipts,
        notifier=rooms,
    )
    typing = providers.Singleton(
        Typing,
        conversations=known_conversations,
        notifier=rooms,
        clock=clock,
        limiter=limiter,
        rate=providers.Callable(typing_rate, settings),
    )
    blocking = providers.Singleton(
        Blocking, users=stores.provided.users, blocks=blocks, reads=reads, clock=clock
    )
    erasure = providers.Singleton(
        Erasure,
        users=stores.provided.users,
        conversations=stores.provided.conversations,
        log=log,
        blocks=blocks,
        stored_sessions=stores.provided.sessions,
        sessions=sessions,
        presence=presence,
        notifier=rooms,
        clock=clock,
        security_events=security_events,
    )

    export = providers.Singleton(
        Export,
        users=stores.provided.users,
        sessions=stores.provided.sessions,
        blocks=stores.provided.blocks,
        conversations=stores.provided.conversations,
        reader=stores.provided.reader,
    )
    retention = providers.Singleton(Retention, retention=stores.provided.retention, clock=clock)

    dispatcher = providers.Singleton(
        Dispatcher,
        sessions=sessions,
        handlers=providers.Callable(
            handlers, synchronising=synchronising, receipts=receipts, typing=typing
        ),
        pipelined=providers.Callable(pipelined, messaging),
        presence=presence,
        rooms=rooms,
        clock=clock,
        ids=ids,
        problems=problems,
        limits=providers.Callable(_socket_limits, settings),
    )
    outbound = providers.Singleton(_outbound, settings)
    socket_server = providers.Singleton(
        SocketServer,
        dispatcher,
        clock=clock,
        origins=origins.provided.allows,
        limits=providers.Callable(_transport_limits, settings),
        outbound=outbound,
    )
    request_rates = providers.Singleton(
        RequestRates,
        limiter=limiter,
        per_user=providers.Callable(request_limit, settings),
        per_address=providers.Callable(anonymous_request_limit, settings),
        refused_polls=providers.Callable(refused_poll_limit, settings),
        trusted_proxies=settings.provided.trusted_proxies,
    )
    connection_bound = providers.Singleton(_connection_bound, settings, socket_server.provider)
    admission = providers.Singleton(
        SocketAdmission,
        origins=origins,
        hosts=hosts,
        stopping=stopping,
        limiter=providers.Singleton(MemoryRateLimiter, clock),
        per_address=providers.Callable(connection_limit, settings),
        most_at_once=settings.provided.connections_per_address,
        live=connection_bound.provided.of,
        trusted_proxies=settings.provided.trusted_proxies,
    )
    websocket_protocol = providers.Singleton(
        _websocket_protocol, socket_server, admission=admission, problems=problems
    )
    socket_app = providers.Singleton(
        SocketApp, socket_server, admission=admission.provided.admit, problems=problems
    )

    http_requests = providers.Singleton(HttpRequests)
    loop_lag = providers.Singleton(LoopLag, clock)
    clock_jumps = providers.Singleton(ClockJumps, clock)
    metrics = providers.Singleton(
        _metrics,
        stores,
        messaging,
        synchronising,
        presence,
        sessions,
        revocations,
        rooms,
        socket_server,
        outbound,
        dispatcher,
        hasher,
        limiter,
        reads,
        http_requests,
        loop_lag,
        admission,
        connection_bound,
        clock_jumps,
        problems,
    )
