"""A tour of the library, cell by cell, with everything in memory: `python tour.py`.

You can run the cells (`# %%`) one by one in an editor that knows them (VS Code, PyCharm, Spyder),
or as a notebook (`jupytext --to notebook tour.py`). Lines that begin with `# >` show the output.
"""

# %% [markdown]
# ## The chat, and two people
# `Chat.compose` builds the services from your parts: stores for conversations, a directory of
# users, and a notifier that sends pushes. Here everything is in memory, and a push is a line that
# a `Phone` prints.

# %%
import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from threading import Thread
from typing import TypeVar

from chat_core import (
    Actor,
    Body,
    Chat,
    ConnectionId,
    ConversationId,
    ConversationUpdated,
    Event,
    LogEvent,
    MessageSent,
    MessageUpdated,
    PresenceChanged,
    SessionId,
    SyncRequest,
    ToUser,
    User,
    UserId,
)
from chat_core.memory import MemoryUserStore, memory_conversations
from chat_core.ports import Notifier


def shown(event: Event) -> str:
    """Describe an event in a few words."""
    match event:
        case MessageSent(message):
            return f"{event.seq}: {message.sender_id} says {message.text!r}"
        case MessageUpdated(seq, message):
            return f"{seq}: message {message.seq} is {message.text!r} now"
        case ConversationUpdated(_, seq, change):
            return f"{seq}: {change}"
        case PresenceChanged(user_id, online):
            return f"{user_id} {'is here' if online else 'has gone'}"
        case _:
            return type(event).__name__


@dataclass
class Phone:
    """A live connection, and the last place that it knows of each log."""

    owner: UserId
    connection: ConnectionId
    is_connected: bool = True
    seqs: dict[ConversationId, int] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who acts. In a product, this comes from a verified token."""
        return Actor(self.owner, SessionId(f"{self.owner}'s log-in"), self.connection)

    def show(self, event: Event) -> None:
        """Print a push."""
        print(f"{self.owner}'s phone | {shown(event)}")
        if isinstance(event, LogEvent):
            self.take(event)

    def take(self, entry: LogEvent) -> None:
        """Remember the place of an entry, if it is the next one of its log."""
        if entry.seq == self.seqs.get(entry.conversation_id, 0) + 1:
            self.seqs[entry.conversation_id] = entry.seq


class Phones(Notifier):
    """Pushes to the connected phones."""

    def __init__(self) -> None:
        self.phones: list[Phone] = []

    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        for phone in self.phones:
            if phone.is_connected and phone.owner in audience and phone.connection != cause:
                phone.show(event)


# %% [markdown]
# A script has no event loop, and a notebook already has one. So this loop runs in its own thread.

# %%
loop = asyncio.new_event_loop()
Thread(target=loop.run_forever, daemon=True).start()
Result = TypeVar("Result")


def run(work: Coroutine[None, None, Result]) -> Result:
    """Run the coroutine in the loop, and return its result."""
    return asyncio.run_coroutine_threadsafe(work, loop).result()


users, phones = MemoryUserStore(), Phones()
chat = Chat.compose(stores=memory_conversations(), users=users, notifier=phones)


async def arrive(name: str) -> Phone:
    """Add a user, and connect a phone."""
    user = User(UserId(name), name, name.title(), None, created_at=chat.clock.now())
    await users.add(user, password_hash="")
    phone = Phone(user.id, ConnectionId(f"{name}'s connection"))
    phones.phones.append(phone)
    chat.presence.connected(phone.owner, phone.connection)
    return phone


ann, bob = run(arrive("ann")), run(arrive("bob"))

# %% [markdown]
# ## Send, and send again
# A message is stored at the next place of its conversation's log, and pushed to every connection
# of every member, except the one that sent it. The client's own id makes a retry safe: the answer
# is the same message, and nothing is stored or pushed.

# %%
for _ in range(2):
    sent = run(
        chat.messaging.send(ann.actor, ToUser(bob.owner), Body("Hello"), "an id of Ann's phone")
    )
    ann.take(sent.event)
    print(f"place {sent.message.seq}, a repeat: {sent.duplicate}")
# > bob's phone | 1: ann says 'Hello'
# > place 1, a repeat: False
# > place 1, a repeat: True

# %% [markdown]
# ## Edit
# An edit takes its own place in the log, so a device that was away gets it like any other entry.

# %%
edited = run(chat.messaging.edit(ann.actor, sent.message.id, "Hello, Bob"))
print(f"sent at place {edited.seq}, changed at {edited.updated_seq}")
# > bob's phone | 2: message 1 is 'Hello, Bob' now
# > sent at place 1, changed at 2

# %% [markdown]
# ## Who is here
# Connections are counted at once. When somebody came or went, `announce` pushes this to everyone
# who shares a conversation with them. In a product, `chat.presence.run()` does this all the time;
# `SocketEndpoint` starts it.

# %%
run(chat.presence.announce())
# > bob's phone | ann is here
# > ann's phone | bob is here

# %% [markdown]
# ## A lost connection
# While Bob is away, he misses the pushes.

# %%
bob.is_connected = False
chat.presence.disconnected(bob.owner, bob.connection)
run(chat.presence.announce())
asked = run(chat.messaging.send(ann.actor, ToUser(bob.owner), Body("Are you there?"), None)).message
corrected = run(chat.messaging.send(ann.actor, ToUser(bob.owner), Body("Never mnd"), None)).message
run(chat.messaging.delete(ann.actor, asked.id))
run(chat.messaging.edit(ann.actor, corrected.id, "Never mind"))
# > ann's phone | bob has gone

# %% [markdown]
# ## Catch up
# The log has everything. Bob's phone calls `sync` with the places that it knows, and gets what
# came after them: the same events as the pushes, in the same order. Each shows its message as it
# is *now*, so deleted text does not appear again.

# %%
bob.is_connected = True
chat.presence.connected(bob.owner, bob.connection)
run(chat.presence.announce())
answer = run(chat.synchronising.sync(bob.owner, SyncRequest(bob.seqs, others=True)))
for part in answer.conversations:
    for entry in part.entries:
        bob.show(entry)
# > ann's phone | bob is here
# > bob's phone | 3: ann says None
# > bob's phone | 4: ann says 'Never mind'
# > bob's phone | 5: message 3 is None now
# > bob's phone | 6: message 4 is 'Never mind' now

# %% [markdown]
# A second call finds nothing more.

# %%
answer = run(chat.synchronising.sync(bob.owner, SyncRequest(bob.seqs, others=True)))
print([len(part.entries) for part in answer.conversations])
# > [0]
