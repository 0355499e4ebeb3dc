"""The kinds of servers and how to communicate with them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from chat_bench.connections import Connection, Inbox
from chat_bench.plan import Account
from chat_bench.relay import RelayConnection
from chat_bench.socketio import SocketIoConnection


@dataclass(frozen=True, slots=True)
class HttpPaths:
    """HTTP paths for creating accounts and sending messages."""

    sign_up: str
    log_in: str
    messages: str
    refresh: str | None = None
    users: str = ""
    """Path for looking up users."""
    groups: str = ""
    """Path for creating groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(ABC):
    """The protocol of a kind of server."""

    name: str
    scenarios: frozenset[str]
    """Scenarios that the server supports."""
    paths: HttpPaths | None = None
    """None if the server has no HTTP and no accounts, only connections."""
    echoes_http: bool = False
    """Whether a message sent over HTTP is also pushed to the sender's own connections."""
    client_ids: bool = False
    """Whether clients give messages an id of their own."""

    @abstractmethod
    def connection(self, account: Account, run: str, inbox: Inbox) -> Connection:
        """Return a connection of the account that is not connected yet."""

    @abstractmethod
    def to_account(self, account: Account) -> bytes:
        """Return the account as the destination of a message."""

    def to_group(self, others: Sequence[Account]) -> bytes | None:  # noqa: ARG002  (for subclasses)
        """Return the accounts as a destination, or None if a group must be created over HTTP."""
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
    """A server that forwards frames between numbered connections."""

    def connection(self, account: Account, run: str, inbox: Inbox) -> Connection:  # noqa: ARG002
        """See `Dialect.connection`."""
        return RelayConnection(account.id, inbox)

    def to_account(self, account: Account) -> bytes:
        """See `Dialect.to_account`."""
        return self.to_group([account])

    def to_group(self, others: Sequence[Account]) -> bytes:
        """See `Dialect.to_group`; the numbers must be consecutive, from the first one on."""
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
