"""The people of the demo and what they said."""

from collections.abc import Sequence
from dataclasses import dataclass

PASSWORD = "demo-password"  # noqa: S105  (of people who do not exist; printed for everyone)

PEOPLE = {
    "mira": "Mira Lindqvist",
    "jonas": "Jonas Okafor",
    "leila": "ليلى حداد",
    "tomas": "Tomás Rivera",
    "yuki": "Yuki Tanaka",
}
"""Display names by username; Mira takes part in every conversation."""

Line = tuple[str, str]
"""Username of the speaker, and the text."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of these people during the last `days` days; with a title, it is a group.

    Mira has not read the last `unread` messages yet.
    """

    people: Sequence[str]
    lines: Sequence[Line]
    days: int = 1
    title: str | None = None
    unread: int = 0


_HIKE: Sequence[Line] = (
    ("mira", "Saturday looks dry. Who is in for the ridge?"),
    ("jonas", "Me! The long way round, or the short one?"),
    ("tomas", "The long one, if we start before eight."),
    ("mira", "Before eight it is. I bring the map: https://www.openstreetmap.org"),
    ("yuki", "I can drive, there are four seats."),
    ("jonas", "Then I bring sandwiches for four"),
    ("tomas", "And I the coffee."),
    ("yuki", "Shall we meet at the station, half past seven?"),
    ("mira", "Perfect. See you there!"),
    ("tomas", "Does anybody have a spare pair of poles?"),
    ("jonas", "I do. They are yours for the day."),
)

_LEILA: Sequence[Line] = (
    ("leila", "صباح الخير ميرا! هل وصلتك المسودة؟"),
    ("mira", "Good morning, Leila! Yes, it came last night."),
    ("leila", "ممتاز. ما رأيك في الفصل الثاني؟"),
    ("mira", "I like it. The ending could be a little shorter."),
    ("leila", "أوافقك. سأختصره اليوم، وأرسل النسخة الجديدة مساءً."),
    ("leila", "كل التعديلات في النسخة 2.1."),
)

_LONG = (
    "I think so. I took out every sentence that only told what the next button does, and put the"
    " one picture that matters on top. Nobody has missed anything so far."
)

_JONAS: Sequence[Line] = (
    ("jonas", "Did you see the figures of last week?"),
    ("mira", "Not yet. Anything that should worry us?"),
    ("jonas", "On the contrary. Twice as many people finish the tour."),
    ("mira", "Nice! Was it the shorter text?"),
    ("jonas", _LONG),
    ("mira", "Then let us do the same to the settings page."),
    ("jonas", "Already on it. I will send you something to look at."),
)

_YUKI: Sequence[Line] = (
    ("mira", "Welcome back! How was Kyoto?"),
    ("yuki", "Wonderful, and far too short. I have something for you."),
)

_BOOK_REMARKS = (
    "I am at chapter {n}. No spoilers, please!",
    "The letter in chapter {n} made me laugh out loud.",
    "Did anybody see that coming?",
    "Not me. I had to go back ten pages.",
    "The translation is very good, by the way.",
    "Page {n} alone is worth the whole book.",
    "Shall we meet on Thursday, as always?",
    "Thursday is fine. Whose turn is it to cook?",
    "Mine. Soup, and bread from the corner.",
    "I would like to talk about the narrator then. Can we trust her?",
    "Not one word of what she says, and that is the fun of it.",
    "I will bring the notes that I took on chapter {n}.",
)

_BOOKS: Sequence[Line] = tuple(
    (("tomas", "mira", "yuki")[n * 7 % 3], _BOOK_REMARKS[n % len(_BOOK_REMARKS)].format(n=n + 1))
    for n in range(360)
)

TALKS: Sequence[Talk] = (
    Talk(("mira", "tomas", "yuki"), _BOOKS, days=30, title="Book club"),
    Talk(("mira", "yuki"), _YUKI, days=2),
    Talk(("mira", "leila"), _LEILA, days=2, unread=2),
    Talk(("jonas", "mira"), _JONAS),
    Talk(("mira", "jonas", "tomas", "yuki"), _HIKE, days=2, title="Saturday hike", unread=2),
)
"""Conversations in the order of their last messages, oldest first."""
