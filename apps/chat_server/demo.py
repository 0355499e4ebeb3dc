"""Filling a database with example people and conversations."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chat_core.bodies import Body
from chat_core.errors import UsernameTaken
from chat_core.ids import ConversationId, SessionId, UserId
from chat_core.messages import Recipient, ToConversation, ToUser
from chat_core.ports.system import Clock, Timer
from chat_core.services.accounts import NewAccount
from chat_core.services.conversations import NewGroup
from chat_core.sessions import Actor
from chat_server.container import Container
from chat_server.database_url import MemoryDatabase
from chat_server.databases import DatabaseRefused, Stores, open_stores
from chat_server.demo_content import PASSWORD, PEOPLE, TALKS, Talk
from chat_server.security_log import SecurityLog
from chat_server.settings import Settings, SettingsError

_SESSION = SessionId("demo")
_ADDRESS = "demo"
_BETWEEN_TALKS = timedelta(minutes=11)
_BETWEEN_LINES = timedelta(minutes=2)


async def fill_with_demo(settings: Settings) -> None:
    """Create the demo's people and everything that they said.

    A second run adds what is missing. Raises `SettingsError` if the database can't be used, or if
    it must not contain people with publicly known passwords.
    """
    if settings.production:
        raise SettingsError(["CHAT_ENV: is production, and everyone knows the demo's passwords"])
    if isinstance(settings.database, MemoryDatabase):
        raise SettingsError(
            ["DATABASE_URL: memory:// stores nothing, so the demo would be lost at once"]
        )
    open_to_all = settings.model_copy(update={"signups": True, "rate_limits": False})
    container = Container(settings=open_to_all)
    container.security_events.override(SecurityLog(container.clock(), _tell_nobody))
    try:
        async with open_stores(settings) as stores:
            container.stores.override(stores)
            clock = PastClock(container.clock(), container.clock().now())
            container.clock.override(clock)
            try:
                await _Demo(container, stores, clock).fill()
            finally:
                container.hasher().close()
    except DatabaseRefused as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


def _tell_nobody(event: str, **fields: object) -> None:
    """Drop the security event, because the demo's people do not exist."""


@dataclass(slots=True)
class PastClock(Clock):
    """Tells the time that it is set to; waiting uses the inner clock."""

    inner: Clock
    told: datetime

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self.told.replace(microsecond=self.told.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.inner.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await self.inner.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        return self.inner.call_later(seconds, callback)


@dataclass(frozen=True, slots=True)
class _Demo:
    """Writes the demo through the services, as clients would, with fixed client ids."""

    container: Container
    stores: Stores
    clock: PastClock

    async def fill(self) -> None:
        now = self.clock.told
        self.clock.told = now - timedelta(days=max(talk.days for talk in TALKS))
        people = {name: await self._account(name, shown) for name, shown in PEOPLE.items()}
        for number, talk in enumerate(TALKS):
            await self._say(number, talk, people, now - _BETWEEN_TALKS * (len(TALKS) - number))

    async def _account(self, username: str, display_name: str) -> Actor:
        new = NewAccount(username, PASSWORD, display_name=display_name)
        try:
            user_id = (await self.container.accounts().sign_up(new, _ADDRESS)).id
        except UsernameTaken:
            user_id = await self._existing(username)
        return Actor(user_id, _SESSION)

    async def _existing(self, username: str) -> UserId:
        """Return the demo user of an earlier run, and raise if another user has that name."""
        known = await self.stores.users.credentials(username)
        hasher = self.container.hasher()
        if known is None or not await hasher.verify(PASSWORD, known.password_hash):
            taken = f"the database already has another {username}; use an empty database"
            raise SettingsError([f"DATABASE_URL: {taken}"])
        return known.user.id

    async def _say(self, number: int, talk: Talk, people: dict[str, Actor], end: datetime) -> None:
        times = _times(talk, end)
        self.clock.told = times[0]
        conversation_id = await self._group(number, talk, people)
        messaging = self.container.messaging()
        places = []
        for at, (name, content) in enumerate(talk.lines):
            self.clock.told = times[at]
            to = self._recipient(talk, people, name, conversation_id)
            sent = await messaging.send(people[name], to, Body(content), f"demo-{number}-{at}")
            places.append(sent.message.seq)
            conversation_id = sent.message.conversation_id
        assert conversation_id is not None  # noqa: S101  (every talk has a line)
        for name in talk.people:
            last = len(places) - 1 - (talk.unread if name == "mira" else 0)
            await self.container.receipts().mark_read(people[name], conversation_id, places[last])

    async def _group(
        self, number: int, talk: Talk, people: dict[str, Actor]
    ) -> ConversationId | None:
        if talk.title is None:
            return None
        owner, *others = (people[name] for name in talk.people)
        new = NewGroup(talk.title, [each.user_id for each in others], client_id=f"demo-{number}")
        opened = await self.container.conversations().create_group(owner, new)
        return opened.overview.id

    @staticmethod
    def _recipient(
        talk: Talk, people: dict[str, Actor], sender: str, group: ConversationId | None
    ) -> Recipient:
        if talk.title is not None and group is not None:
            return ToConversation(group)
        (other,) = (name for name in talk.people if name != sender)
        return ToUser(people[other].user_id)


def _times(talk: Talk, end: datetime) -> list[datetime]:
    """Return the time of each line: an equal share on each day, at the same time of day."""
    on_one_day = -(-len(talk.lines) // talk.days)
    times = []
    for backwards in range(len(talk.lines)):
        days, lines = divmod(backwards, on_one_day)
        times.append(end - timedelta(days=days) - _BETWEEN_LINES * lines)
    return times[::-1]
