"""Events: facts to tell clients. Those of a log entry carry its `seq`."""

from dataclasses import dataclass
from datetime import datetime

from chat_core.ids import UserId
from chat_core.messages import Message
from chat_core.presence import UserPresence
from chat_core.users import User


@dataclass(frozen=True, slots=True)
class MessageSent:
    """A message took its place in a log."""

    message: Message

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.message.seq


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A user came online or went offline."""

    user_id: UserId
    online: bool
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """A user's profile changed."""

    user: User
    presence: UserPresence


LogEvent = MessageSent
Event = MessageSent | PresenceChanged | UserUpdated
