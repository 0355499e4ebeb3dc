"""A tour of the library, cell by cell, with everything in memory: `python tour.py`.

The cells (`# %%`) run one by one in an editor that knows them (VS Code, PyCharm, Spyder), or as a
notebook (`jupytext --to notebook tour.py`). Lines that begin with `# >` are what a cell prints.
"""

# %% [markdown]
# ## The chat, and two people
# `Chat.compose` makes the services of what a product brings: stores for conversations, a directory
# of users, and a notifier, which is told what to push to whom. Here all of it is in memory, and a
# push is a line on the screen of a `Phone`.

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
    """An event in a few words."""
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
    """A live connection of somebody, and the place up to which it knows each log."""

    owner: UserId
    connection: ConnectionId
    is_connected: bool = True
    seqs: dict[ConversationId, int] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who acts: in a product, from a verified token."""
        return Actor(self.owner, SessionId(f"{self.owner}'s log-in"), self.connection)

    def show(self, event: Event) -> None:
        """Print what it was pushed."""
        print(f"{self.owner}'s phone | {shown(event)}")
        if isinstance(event, LogEvent):
            self.take(event)

    def take(self, entry: LogEvent) -> None:
        """Note the place of an entry that is the next one of its log."""
        if entry.seq == self.seqs.get(entry.conversation_id, 0) + 1:
            self.seqs[entry.conversation_id] = entry.seq


class Phones(Notifier):
    """Tells the phones that are connected."""

    def __init__(self) -> None:
        self.phones: list[Phone] = []

    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        for phone in self.phones:
            if phone.is_connected and phone.owner in audience and phone.connection != cause:
                phone.show(event)


# %% [markdown]
# A script has no event loop, and a notebook has one already: this one runs in a thread beside both.

# %%
loop = asyncio.new_event_loop()
Thread(target=loop.run_forever, daemon=True).start()
Result = TypeVar("Result")


def run(work: Coroutine[None, None, Result]) -> Result:
    """What it returns, once it is done."""
    return asyncio.run_coroutine_threadsafe(work, loop).result()


users, phones = MemoryUserStore(), Phones()
chat = Chat.compose(stores=memory_conversations(), users=users, notifier=phones)


async def arrive(name: str) -> Phone:
    """Somebody joins, and connects a phone."""
    user = User(UserId(name), name, name.title(), None, created_at=chat.clock.now())
    await users.add(user, password_hash="")
    phone = Phone(user.id, ConnectionId(f"{name}'s connection"))
    phones.phones.append(phone)
    chat.presence.connected(phone.owner, phone.connection)
    return phone


ann, bob = run(arrive("ann")), run(arrive("bob"))

# %% [markdown]
# ## Send, and send again
# A message is stored at the next place of its conversation's log, and pushed to all connections of
# all members but the one that sent it. The client's own id makes a retry safe: it is answered with
# the same message, and nothing is stored or pushed.

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
# A change takes a place of its own, so whoever was away learns of it as of everything else.

# %%
edited = run(chat.messaging.edit(ann.actor, sent.message.id, "Hello, Bob"))
print(f"sent at place {edited.seq}, changed at {edited.updated_seq}")
# > bob's phone | 2: message 1 is 'Hello, Bob' now
# > sent at place 1, changed at 2

# %% [markdown]
# ## Who is here
# Connections are counted at once; `announce` tells those who share a conversation with somebody who
# came or went. A product keeps `chat.presence.run()` running instead, as `SocketEndpoint` does.

# %%
run(chat.presence.announce())
# > bob's phone | ann is here
# > ann's phone | bob is here

# %% [markdown]
# ## A lost connection
# What is pushed while Bob is away passes him by.

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
# The log has it all. `sync` is asked with the places that Bob's phone knows, and answers with what
# came after: the same events as the pushes, in the same order. Each shows its message as it is
# *now*, so what was deleted meanwhile is not told any more.

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
# Asked again, there is nothing more.

# %%
answer = run(chat.synchronising.sync(bob.owner, SyncRequest(bob.seqs, others=True)))
print([len(part.entries) for part in answer.conversations])
# > [0]
