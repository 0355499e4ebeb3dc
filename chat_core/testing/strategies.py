"""Hypothesis strategies for valid and invalid input from clients."""

from hypothesis import strategies as st

from chat_core.bodies import Body
from chat_core.errors import Invalid
from chat_core.names import clean
from chat_core.users import MAX_DISPLAY_NAME, clean_display_name

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
"""Text that every store accepts."""

HOSTILE = (
    "",
    "\0",
    "a\0b",
    "\ud800",
    "half a pair \udfff",
    "\U0010ffff",
    "\ufeffbyte order mark",
    "\u202eright to left",
    "e\u0301 and \u00e9",
    "\u0390 \u00df \ufb01 \u0130 \u0131",
    " \t\r\n\v\f\x1b[2J\x7f\x85\u2028\u2029",
    "%_*?.^$[](){}|\\",
    "'; DROP TABLE messages; --",
    '{"$gt": ""}',
    "$where",
    "<script>alert(1)</script>",
    "null",
    "[" * 10_000,
    "9" * 10_000,
)
"""Texts that often break programs."""

hostile_texts = st.sampled_from(HOSTILE) | st.text(st.characters(), max_size=300)
"""Any text, with NUL and unpaired surrogates, and texts that often break programs."""

usernames = st.from_regex(r"[A-Za-z0-9._-]{3,32}", fullmatch=True)
"""Valid user names."""


def _is_shown(name: str) -> bool:
    try:
        return clean_display_name(name) == name
    except Invalid:
        return False


display_names = (
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)
    .map(lambda name: clean(name, MAX_DISPLAY_NAME))
    .filter(_is_shown)
)
"""Valid display names, as stored."""


def _is_content(text: str) -> bool:
    return (
        0 < len(text.encode(errors="surrogatepass")) <= 4096
        and "\0" not in text
        and not any("\ud800" <= char <= "\udfff" for char in text)
    )


contents = st.one_of(
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
        min_size=1,
        max_size=1024,
    ),
    st.sampled_from([text for text in HOSTILE if _is_content(text)]),
    st.sampled_from(["a" * 4096, "\u00e9" * 2048, "\u20ac" * 1365, "\U0001f600" * 1024]),
)
"""Valid contents of messages, with the default limit of 4,096 bytes."""

parts = st.dictionaries(
    texts,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53) + 1, 2**53 - 1)
        | st.floats(-1e9, 1e9)
        | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    ),
    min_size=1,
    max_size=3,
)
"""The other parts of a body, as JSON values."""

bodies = st.builds(Body, contents, st.none() | parts)
"""Valid bodies of messages. Some have parts from a newer version."""

client_ids = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=64
)
"""Client message ids."""
