# ruff: noqa: RUF001 (names in many scripts, which look alike)
"""Shown names: what is taken out of them, what is kept, and what is refused."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat_core.conversations import clean_title
from chat_core.errors import Invalid
from chat_core.names import clean, imported_name, shown_name
from chat_core.sessions import clean_device
from chat_core.users import clean_display_name
from tests.support.machine_speed import is_linear

LONGEST = 64

NAMES = {
    "Latin": "Zoë Müller-O’Brien, 3rd",
    "Greek": "Ελένη Παπαδοπούλου",
    "Cyrillic": "Дмитрий Иванович",
    "Arabic": "محمد بن عبد الله",
    "Arabic with its vowels": "مُحَمَّد",
    "Persian with a non-joiner": "علی می\u200cخواهد",
    "Persian with a non-joiner after a vowel": "خانه\u064e\u200cها",
    "Hebrew": "שָׁלוֹם עליכם",
    "Hindi": "नमस्ते",
    "Hindi with a joiner": "क्\u200dष",
    "Hindi with a non-joiner": "क्\u200cष",
    "Bengali with a joiner": "র\u200d্যাব",
    "Malayalam with a joiner": "നന്\u200d",
    "Sinhala with a joiner": "ශ්\u200dරී ලංකාව",
    "Kannada with a non-joiner": "ರಾಜ್\u200cಕುಮಾರ್",
    "Thai": "สวัสดี",
    "Khmer": "សួស្តី",
    "Myanmar with a variation": "\u1000\ufe00",
    "Tibetan": "བོད་ཡིག",
    "Chinese": "李小龍",
    "Chinese with a variation": "葛\U000e0100城",
    "Japanese": "山田 たろう・タロー",
    "Korean": "김철수",
    "Armenian": "Արմեն",
    "Georgian": "გიორგი",
    "Ethiopic": "ሰላም",
    "Mongolian with selectors": "\u182c\u180b\u1820\u180c\u1821\u180d\u1822\u180f",
    "Mongolian with a vowel separator": "\u1828\u180e\u1820",
    "Mongolian with a vowel separator after a selector": "\u1828\u180b\u180e\u1820",
    "a digit": "7",
    "punctuation": "...",
    "an emoji": "😀",
    "an emoji in its style": "❤\ufe0f",
    "a text in its style": "☎\ufe0e",
    "a keycap": "1\ufe0f\u20e3",
    "a family": "👨\u200d👩\u200d👧\u200d👦",
    "a skin tone": "👍🏽",
    "a woman with a skin tone at work": "👩🏽\u200d🚀",
    "a heart on fire": "❤\ufe0f\u200d🔥",
    "a rainbow flag": "🏳\ufe0f\u200d🌈",
    "a pirate flag": "🏴\u200d☠\ufe0f",
    "an eye in a bubble": "👁\ufe0f\u200d🗨\ufe0f",
    "a shrug": "🤷🏻\u200d♂\ufe0f",
    "a couple with two tones": "🧑🏿\u200d🤝\u200d🧑🏻",
    "the flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "the flag of Scotland": "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "the flag of Japan": "🇯🇵",
    "a mathematical sign with a variation": "\u2229\ufe00",
    "what is called out": "Ann \u2605 Bob",
}

HIDDEN = [
    0x00AD,
    0x061C,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2060, 0x2066),
    *range(0x206A, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0x1D173, 0x1D17B),
    0xE0001,
]
CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
OVERRIDES = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
FILLERS = [0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0]
TAGS = range(0xE0020, 0xE0080)
SELECTORS = [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
MONGOLIAN = [0x180B, 0x180C, 0x180D, 0x180E, 0x180F]
TAKEN_OUT = [*HIDDEN, 0x200C, 0x200D, *TAGS, *SELECTORS, *MONGOLIAN]
"""Between two Latin letters."""


def shown(name: str) -> str:
    return shown_name(name, "name", LONGEST)


def why_not(name: str) -> str:
    with pytest.raises(Invalid) as caught:
        shown(name)
    (error,) = caught.value.errors
    assert error.field == "name"
    return error.message


def hexadecimal(code: int) -> str:
    return f"U+{code:04X}"


# what stays
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_as_people_write_it_stays(name: str) -> None:
    form = unicodedata.normalize("NFC", name)

    assert shown(name) == form
    assert shown(unicodedata.normalize("NFD", name)) == form
    assert shown(f"\u200b{name}\ufeff ") == form


def test_names_beside_each_other_stay_as_they_are() -> None:
    for one in NAMES.values():
        for other in NAMES.values():
            both = unicodedata.normalize("NFC", f"{one} {other}")
            assert shown_name(both, "name", 200) == both


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("  Bob  ", "Bob"),
        ("\u00a0Bob\u3000", "Bob"),
        ("\u200b Bob \u200b", "Bob"),
        ("Bob\n", "Bob"),
        ("Bob  Smith", "Bob  Smith"),
        ("e\u0301", "\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        ("\u212b", "\u00c5"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("ﬁ", "ﬁ"),
    ],
)
def test_names_are_in_nfc_without_white_space_around_them(name: str, stored: str) -> None:
    assert shown(name) == stored


# what is taken out
@pytest.mark.parametrize("code", TAKEN_OUT, ids=hexadecimal)
def test_what_is_never_seen_is_taken_out_silently(code: int) -> None:
    char = chr(code)
    for name in (f"A{char}b", f"{char}Ab", f"Ab{char}", f"A{char * 3}b"):
        assert shown(name) == "Ab"
    assert "a letter" in why_not(char)
    assert "a letter" in why_not(f" {char} {char}")


@pytest.mark.parametrize("code", HIDDEN, ids=hexadecimal)
def test_what_is_never_seen_is_taken_out_of_every_script_and_emoji(code: int) -> None:
    char = chr(code)
    assert shown(f"م{char}م") == "مم"
    assert shown(f"क{char}ष") == "कष"
    assert shown(f"\u1820{char}\u1821") == "\u1820\u1821"
    assert shown(f"👩{char}\u200d🚀") == "👩\u200d🚀"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize(
    "before",
    [
        "a",
        "Z",
        "é",
        "q\u0303",
        "ß",
        "ʰ",
        "ﬁ",
        "ａ",
        "λ",
        "ά",
        "ὰ",
        "ж",
        "ё",
        "Ѩ",
        "в\u0483",
        "𝐀",
        "ℂ",
    ],
)
def test_joiners_go_after_latin_greek_and_cyrillic(before: str, joiner: str) -> None:
    form = unicodedata.normalize("NFC", before)

    assert shown(f"{before}{joiner}b") == f"{form}b"
    assert shown(f"م{before}{joiner}م") == f"م{form}م"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize(
    "before", ["", " ", "م ", "1", "٣", "م.", "-", "م\u200c", "م\u200d", "\u0301"]
)
def test_joiners_go_where_no_letter_or_mark_is_directly_before_them(
    before: str, joiner: str
) -> None:
    assert shown(f"{before}{joiner}م") == f"{before}م".strip()


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize(
    "before",
    [
        "م",
        "ه\u064e",
        "ـ",
        "ש",
        "क्",
        "क़",
        "क",
        "ࠀ",
        "ک",
        "ไ",
        "漢",
        "한",
        "あ",
        "ー",
        "ა",
        "Ա",
        "\u1820",
        "ⲁ",
    ],
)
def test_joiners_stay_after_letters_and_marks_of_other_scripts(before: str, joiner: str) -> None:
    form = unicodedata.normalize("NFC", before)

    assert shown(f"{before}{joiner}م") == f"{form}{joiner}م"
    assert shown(f"{before}{joiner}") == f"{form}{joiner}"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("👨\u200d", "👨"),
        ("\u200d👨", "👨"),
        ("👨\u200da", "👨a"),
        ("a\u200d👨", "a👨"),
        ("👨\u200c👩", "👨👩"),
        ("👨\u200d\u200d👩", "👨\u200d👩"),
        ("👨 \u200d👩", "👨 👩"),
        ("🇯🇵\u200d🇯🇵", "🇯🇵🇯🇵"),
        ("1\ufe0f\u20e3\u200d👩", "1\ufe0f\u20e3👩"),
        ("★\u200d★", "★★"),
        ("a🏽\u200d👩", "a🏽👩"),
        ("👩\u200d🏽", "👩🏽"),
    ],
)
def test_joiners_stay_inside_an_emoji_alone(name: str, stored: str) -> None:
    assert shown(name) == stored


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("A\ufe0f", "A"),
        ("é\ufe00", "é"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f"),
        ("❤\ufe0e\ufe0f", "❤\ufe0e"),
        (" \ufe0fA", "A"),
        ("a\U000e0100", "a"),
        ("葛\U000e0100\U000e0101", "葛\U000e0100"),
        ("م\ufe0f", "م"),
        ("😀\U000e0100", "😀"),
        ("\u1828\u180e", "\u1828"),
        ("\u180e\u1820", "\u1820"),
        ("a\u180eb", "ab"),
        ("\u1828\u180eb", "\u1828b"),
        ("\u1828\u180e\u180e\u1820", "\u1828\u180e\u1820"),
        ("a\u180b", "a"),
        ("م\u180b", "م"),
        ("\u1820\u180b\u180c", "\u1820\u180b"),
    ],
)
def test_selectors_stay_after_what_they_vary_alone(name: str, stored: str) -> None:
    assert shown(name) == stored


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("🏴\U000e0067\U000e0062", "🏴"),
        ("🏴\U000e007f", "🏴"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴"),
        (f"🏴{''.join(chr(0xE0061 + n) for n in range(8))}\U000e007f", "🏴"),
        ("🏳\U000e0067\U000e0062\U000e0065\U000e007f", "🏳"),
        ("A\U000e0067\U000e0062\U000e0065\U000e007f", "A"),
        ("🏴\U000e0067\U000e0062\U000e0041\U000e007f", "🏴"),
        (
            "🏴\u200b\U000e0067\U000e0062\U000e0065\U000e007f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e007f",
        ),
    ],
)
def test_tags_stay_inside_a_flag_alone(name: str, stored: str) -> None:
    assert shown(name) == stored


# what is refused
@pytest.mark.parametrize("code", CONTROLS, ids=hexadecimal)
def test_controls_and_line_breaks_are_refused(code: int) -> None:
    assert why_not(f"A{chr(code)}b") == "must not contain control characters or line breaks"


@pytest.mark.parametrize("code", OVERRIDES, ids=hexadecimal)
def test_overrides_of_the_direction_are_refused_wherever_they_are(code: int) -> None:
    char = chr(code)
    for name in (f"A{char}b", f"{char}Ab", f"Ab{char}", char, f"م{char}م"):
        assert why_not(name) == "must not contain characters that change the direction of the text"


@pytest.mark.parametrize("code", FILLERS, ids=hexadecimal)
def test_blank_fillers_are_refused_wherever_they_are(code: int) -> None:
    char = chr(code)
    for name in (f"A{char}b", f"{char}Ab", f"Ab{char}", char):
        assert why_not(name) == "must not contain characters that look blank"


@pytest.mark.parametrize(
    "name", ["", " ", "\u3000", "\u0301", " \u0301", "\u200b", "\ufe0f", "\ue000", "\u034f"]
)
def test_a_name_in_which_nothing_is_seen_is_refused(name: str) -> None:
    assert why_not(name).startswith("must be 1 to 64 characters, with a letter")


def test_half_of_a_surrogate_pair_is_refused() -> None:
    assert why_not("A\ud83d") == "must not contain an unpaired surrogate"


@pytest.mark.parametrize(
    ("check", "field", "longest"),
    [
        (clean_display_name, "displayName", 64),
        (clean_title, "title", 100),
        (clean_device, "device", 100),
    ],
)
def test_lengths_count_after_cleaning(check: object, field: str, longest: int) -> None:
    assert callable(check)
    for name in (
        "x" * longest,
        "😀" * longest,
        "e\u0301" * longest,
        " x\u200b" + "x" * (longest - 1),
    ):
        assert len(check(name)) == longest
    assert check("x" + "\u200b" * 5000 + "y") == "xy"
    assert check("x" + "\u200d" * 5000 + "y") == "xy"
    assert check(" " * 5000 + "x") == "x"
    for name in ("x" * (longest + 1), "e\u0301" * (longest + 1), "a\u0301\u0316" * 5000):
        with pytest.raises(Invalid) as caught:
            check(name)
        (error,) = caught.value.errors
        assert (error.field, error.message) == (field, f"must be 1 to {longest} characters")


@pytest.mark.parametrize(
    "part",
    [
        "\u0301\u0316",
        "م\u200c",
        "क\u200d",
        "👩\u200d",
        "👩\u200d👩",
        "1\ufe0f\u20e3",
        "漢\U000e0100",
        "🏴\U000e0067",
        "\u1820\u180e",
        "\u0301\u200c",
        "\u200d",
        "\ufe0f",
        "\u180b",
        "\u200d\u200c",
        "\ufe0f\u180b\u200d",
        " \u200b",
        "\u2066",
    ],
)
def test_the_time_to_judge_a_name_grows_no_faster_than_the_name(part: str) -> None:
    """Anybody can send it with a sign-up: what it takes, everybody else waits."""

    def judge(size: int) -> None:
        shown_or_none("a" + part * (size // len(part.encode())))

    assert is_linear(judge, 65_000)


# names that are imported
@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("Bob", "Bob"),
        (" Bob\u200b ", "Bob"),
        ("Bob\nSmith", "Bob Smith"),
        ("\u202eBob\u2066", "Bob"),
        ("\u3164", ""),
        ("\u3164\u200b\n", ""),
        ("क\u202e\u200dष", "क\u200dष"),
        ("a\u202e\u0301", "\u00e1"),
        ("x" * 300, "x" * 300),
        ("A\ud800", "A"),
    ],
)
def test_an_imported_name_loses_what_would_be_refused(name: str, stored: str) -> None:
    assert imported_name(name, LONGEST) == stored


# whatever it is
LETTERS = "aZéλж" + "مهש" + "कष्" + "漢葛한あ" + "\u1820\u1828" + "1#"
EMOJI = "😀👨👩❤☠🏴🏳🏽♂🇯\u20e3"
SPECIAL = [*TAKEN_OUT, *CONTROLS, *OVERRIDES, *FILLERS, 0x0301, 0x064E, 0x0338, 0x20, 0x3000]
tricky = st.text(
    st.sampled_from(
        LETTERS + EMOJI + "\u200c\u200d\ufe0f\u180e\u200b" + "".join(map(chr, SPECIAL))
    ),
    max_size=30,
)
anything = (
    tricky
    | st.text(max_size=30)
    | st.lists(st.sampled_from(list(NAMES.values()))).map("\u200d".join)
)
NEVER = re.compile(
    "[" + "".join(re.escape(chr(code)) for code in [*HIDDEN, *CONTROLS, *OVERRIDES, *FILLERS]) + "]"
)


def shown_or_none(name: str) -> str | None:
    try:
        return shown_name(name, "name", 200)
    except Invalid:
        return None


@given(name=anything)
@example("م\u200d\u0301\u200d")
@example("👨\u200d\u200d👩")
def test_what_is_shown_is_clean_and_cleaning_it_again_changes_nothing(name: str) -> None:
    cleaned = clean(name, 200)
    assert clean(cleaned, 200) == cleaned
    assert cleaned == cleaned.strip() == unicodedata.normalize("NFC", cleaned)
    stored = shown_or_none(name)
    if stored is not None:
        assert stored == cleaned
        assert shown_name(stored, "name", 200) == stored
        assert not NEVER.search(stored)
        assert any(unicodedata.category(char)[0] in "LNPS" for char in stored)


@given(name=anything, at=st.integers(0, 30), code=st.sampled_from(HIDDEN))
def test_hidden_characters_make_no_difference_wherever_they_are(
    name: str, at: int, code: int
) -> None:
    assert clean(name[:at] + chr(code) + name[at:], 200) == clean(name, 200)


@given(name=anything)
def test_an_imported_name_could_be_given_or_is_empty(name: str) -> None:
    imported = imported_name(name, 200)
    assert imported == "" or shown_name(imported, "name", 200) == imported


def test_every_letter_by_its_script_keeps_a_joiner_or_does_not() -> None:
    kept = ("ARABIC LETTER", "SYRIAC LETTER", "DEVANAGARI", "BENGALI", "SINHALA", "KHMER", "THAI")
    lost = ("LATIN", "GREEK", "CYRILLIC", "MATHEMATICAL", "FULLWIDTH LATIN")
    judged = 0
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        if unicodedata.category(char) not in {"Lu", "Ll", "Lo", "Lt"}:
            continue
        form, name = unicodedata.normalize("NFC", char), unicodedata.name(char, "")
        if name.startswith(kept):
            assert clean(f"{char}\u200d", LONGEST) == f"{form}\u200d", name
        elif name.startswith(lost) and "ARABIC" not in name:
            assert clean(f"{char}\u200d", LONGEST) == form, name
        else:
            continue
        judged += 1
    assert judged > 3000
