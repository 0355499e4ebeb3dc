"""The kinds of servers, and how each is spoken to."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from chat_bench.connections import Connection, Inbox
from chat_bench.plan import Account
from chat_bench.relay import RelayConnection
from chat_bench.socketio import SocketIoConnection


@dataclass(frozen=True, slots=True)
class HttpPaths:
    """Where accounts are made and messages are posted."""

    sign_up: str
    log_in: str
    messages: str
    refresh: str | None = None
    users: str = ""
    """Where they are looked up."""
    groups: str = ""
    """Where they are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(ABC):
    """How a kind of server is spoken to."""

    name: str
    scenarios: frozenset[str]
    """What it can be asked for."""
    paths: HttpPaths | None = None
    """None: there is no HTTP, and there are no accounts, only connections."""
    echoes_http: bool = False
    """Whether what was sent over HTTP is pushed to the sender's own connections too."""
    client_ids: bool = False
    """Whether a message has an id of the client's own."""

    @abstractmethod
    def connection(self, account: Account, run: str, inbox: Inbox) -> Connection:
        """A connection of that account, still to be connected."""

    @abstractmethod
    def to_account(self, account: Account) -> bytes:
        """That account as the place that a message goes to."""

    def to_group(self, others: Sequence[Account]) -> bytes | None:  # noqa: ARG002  (for others)
        """Those accounts as such a place; None where a group has to be made over HTTP."""
        return None


class SocketIo(Dialect):
    """A Socket.IO server with accounts."""

    def connection(self, account: Account, run: str, inbox: Inbox) -> Connection:
        """See `Dialect.connection`."""
        return SocketIoConnection(account.token, inbox, client_ids=run if self.client_ids else None)

    def to_account(self, account: Account) -> bytes:
        """See `Dialect.to_account`."""
        return b'"recipientId":"%b"' % account.id.encode()


class Relay(Dialect):
    """Frames from number to number."""

    def connection(self, account: Account, run: str, inbox: Inbox) -> Connection:  # noqa: ARG002
        """See `Dialect.connection`."""
        return RelayConnection(account.id, inbox)

    def to_account(self, account: Account) -> bytes:
        """See `Dialect.to_account`."""
        return self.to_group([account])

    def to_group(self, others: Sequence[Account]) -> bytes:
        """See `Dialect.to_group`: numbers that follow each other, from the first one on."""
        return int(others[0].id).to_bytes(4, "big") + len(others).to_bytes(4, "big")


CHAT = SocketIo(
    name="chat",
    scenarios=frozenset({"messages", "fanout", "idle", "reconnect", "sync", "presence", "users"}),
    paths=HttpPaths(
        sign_up="/api/v1/users",
        log_in="/api/v1/users/login",
        messages="/api/v1/messages",
        refresh="/api/v1/users/refresh",
        users="/api/v1/users",
        groups="/api/v1/conversations",
    ),
    echoes_http=True,
    client_ids=True,
)
EXPRESS = SocketIo(
    name="express",
    scenarios=frozenset({"messages", "idle", "reconnect"}),
    paths=HttpPaths(sign_up="/api/users/register", log_in="/api/users/login", messages="/messages"),
)
RELAY = Relay(name="relay", scenarios=frozenset({"messages", "fanout", "idle", "reconnect"}))
DIALECTS: dict[str, Dialect] = {each.name: each for each in (CHAT, EXPRESS, RELAY)}
