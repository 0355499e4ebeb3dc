"""Shown names: display names, titles of groups, labels of devices.

People tell each other apart by these names. So a name may have nothing hidden in it, and may not
change how the text around it looks. `clean` corrects a name, and `shown_name` rejects a bad one.
"""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from chat_core.errors import Invalid

MAX_DECOMPOSED = 4
"""The most characters that one character of a name decomposes into, in Unicode's NFD."""

ZWNJ, ZWJ = "\u200c", "\u200d"
_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
_MONGOLIAN_VOWEL_SEPARATOR = "\u180e"

_HIDDEN = re.compile(
    "[\u00ad\u061c\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0001]"
)
"""Characters that are never visible, in any context."""
_TAGS = re.compile(
    # Keep the flag of a region, such as England's, as a whole (UTS #51, emoji_tag_sequence).
    "(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,7}\U000e007f)"
    "|[\U000e0020-\U000e007f]"
)
_CONTEXTUAL = re.compile("[\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Characters that `clean` keeps or removes depending on their neighbours."""
_LONG_RUN = re.compile(f"({_CONTEXTUAL.pattern}{{8}}){_CONTEXTUAL.pattern}+")
"""In a long run, only the first few can change anything."""

_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
_REFUSED = (
    (_CONTROLS, "must not contain control characters or line breaks"),
    (re.compile("[\ud800-\udfff]"), "must not contain an unpaired surrogate"),
    (
        re.compile("[\u202a-\u202e\u2066-\u2069]"),
        "must not contain characters that change the direction of the text",
    ),
    (
        re.compile("[\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]"),
        "must not contain characters that look blank",
    ),
)
VISIBLE = frozenset("LNPS")
"""The first letters of the categories of letters, numbers, punctuation and symbols."""


def _ranges(text: str) -> tuple[int, ...]:
    """Return the bounds of ranges of code points and of the gaps after them, ascending."""
    bounds: list[int] = []
    for each in text.split():
        first, _, last = each.partition("-")
        bounds += int(first, 16), int(last or first, 16) + 1
    return tuple(bounds)


def _is_in(char: str, bounds: tuple[int, ...]) -> bool:
    return char != "" and bisect_right(bounds, ord(char)) % 2 == 1


_NO_JOINERS = _ranges("""
41-2EE 370-3E1 3F0-484 487-52F 1C80-1C8A 1D00-1DBF 1E00-209F 2102-2184 2C60-2C7F 2DE0-2E2F
A640-A69F A717-A7FF AB30-AB6D FB00-FB06 FE2E-FE2F FF21-FF5A 10780-107BF 1D165-1D166 1D16D-1D172
1D242-1D252 1D25F-1D7CB 1DF00-1DFFF 1E030-1E08F
""")
"""Letters and marks of Latin, Greek and Cyrillic, those without a script, and between them some
other characters. Source: Unicode 17.0, Scripts.txt and ScriptExtensions.txt."""
_ANY_SCRIPT = _ranges("""
300-36F 485-486 64B-655 670 951-954 1AB0-1AF0 1CD0-1CE0 1CE2-1CE8 1CED 1CF4 1CF8-1CF9 1DC0-1DFF
20D0-20F0 302A-302D 3099-309A FE00-FE2D 101FD 102E0 1133B 1CF00-1D128 1D167-1D169 1D17B-1D1AD
1D25B-1D25C E0100-E01EF
""")
"""Marks with the script of their base character (`Inherited`). Source: as for `_NO_JOINERS`."""
_PICTOGRAPHS = _ranges("""
A9 AE 203C 2049 2122 2139 2194-2199 21A9-21AA 231A-231B 2328 23CF 23E9-23F3 23F8-23FA 24C2 25AA-25AB
25B6 25C0 25FB-25FE 2600-2604 260E 2611 2614-2615 2618 261D 2620 2622-2623 2626 262A 262E-262F
2638-263A 2640 2642 2648-2653 265F-2660 2663 2665-2666 2668 267B 267E-267F 2692-2697 2699 269B-269C
26A0-26A1 26A7 26AA-26AB 26B0-26B1 26BD-26BE 26C4-26C5 26C8 26CE-26CF 26D1 26D3-26D4 26E9-26EA
26F0-26F5 26F7-26FA 26FD 2702 2705 2708-270D 270F 2712 2714 2716 271D 2721 2728 2733-2734 2744 2747
274C 274E 2753-2755 2757 2763-2764 2795-2797 27A1 27B0 27BF 2934-2935 2B05-2B07 2B1B-2B1C 2B50 2B55
3030 303D 3297 3299 1F004 1F02C-1F02F 1F094-1F09F 1F0AF-1F0B0 1F0C0 1F0CF-1F0D0 1F0F6-1F0FF
1F170-1F171 1F17E-1F17F 1F18E 1F191-1F19A 1F1AF-1F1E5 1F201-1F20F 1F21A 1F22F 1F232-1F23A
1F23C-1F23F 1F249-1F25F 1F266-1F321 1F324-1F393 1F396-1F397 1F399-1F39B 1F39E-1F3F0 1F3F3-1F3F5
1F3F7-1F3FA 1F400-1F4FD 1F4FF-1F53D 1F549-1F54E 1F550-1F567 1F56F-1F570 1F573-1F57A 1F587
1F58A-1F58D 1F590 1F595-1F596 1F5A4-1F5A5 1F5A8 1F5B1-1F5B2 1F5BC 1F5C2-1F5C4 1F5D1-1F5D3
1F5DC-1F5DE 1F5E1 1F5E3 1F5E8 1F5EF 1F5F3 1F5FA-1F64F 1F680-1F6C5 1F6CB-1F6D2 1F6D5-1F6E5 1F6E9
1F6EB-1F6F0 1F6F3-1F6FF 1F7DC-1F7F0 1F80C-1F80F 1F848-1F84F 1F85A-1F85F 1F888-1F88F 1F8AE-1F8AF
1F8BC-1F8BF 1F8C2-1F8CF 1F8D9-1F8FF 1F90C-1F93A 1F93C-1F945 1F947-1F9FF 1FA58-1FA5F 1FA6E-1FAFF
1FC00-1FFFD
""")
"""Parts of emoji (`Extended_Pictographic`). Source: Unicode 17.0, emoji-data.txt."""
_SKIN_TONES = _ranges("1F3FB-1F3FF")
_MONGOLIAN_SELECTORS = _ranges("180B-180D 180F")
_MONGOLIAN_LETTERS = _ranges("1820-1878 1880-18AA")
_IDEOGRAPHS = _ranges("3400-4DBF 4E00-9FFF F900-FAFF 20000-3FFFF")
_IDEOGRAPHIC_SELECTORS = _ranges("E0100-E01EF")
_KEYCAPS = frozenset("#*0123456789")
_VARIED = frozenset("0\u2018\u2019\u201c\u201d\u3001\u3002\uff01\uff0c\uff0e\uff1a\uff1b\uff1f")
"""Characters with variations that are neither letters nor symbols. Source: Unicode 17.0,
StandardizedVariants.txt."""


def shown_name(name: str, field: str, longest: int) -> str:
    """Return a name of 1 to `longest` characters as it is stored and shown, after `clean`.

    Raises `Invalid` for the field if the name has control characters, line breaks, blank fillers or
    characters that change the direction of the text, or if nothing in it is visible.
    """
    cleaned = clean(name, longest)
    for refused, message in _REFUSED:
        if refused.search(cleaned):
            raise Invalid.field(field, message)
    if len(cleaned) > longest:
        raise Invalid.field(field, f"must be 1 to {longest} characters")
    if not _is_visible(cleaned):
        raise Invalid.field(
            field,
            f"must be 1 to {longest} characters, with a letter, digit, punctuation mark or symbol",
        )
    return cleaned


def imported_name(name: str, longest: int) -> str:
    """Return the name without what `shown_name` rejects, or "" if nothing visible is left.

    A name longer than `longest` is not shortened.
    """
    name = _CONTROLS.sub(" ", name)
    for refused, _ in _REFUSED:
        name = refused.sub("", name)
    cleaned = clean(name, longest)
    return cleaned if _is_visible(cleaned) else ""


def clean(name: str, longest: int) -> str:
    """Return the name in Unicode's NFC, without hidden characters or space around it.

    - It removes the characters of `_HIDDEN`. It removes joiners, variation selectors and tags if
      they do not change the characters beside them.
    - If a name is longer than `longest` in any form, it is not normalized, because that takes time
      that grows with the square of the length.
    """
    most = MAX_DECOMPOSED * longest
    cleaned = _without_hidden(name, most)
    if len(cleaned) > most:
        return cleaned
    return _without_hidden(unicodedata.normalize("NFC", cleaned), most)


def _without_hidden(name: str, most: int) -> str:
    """Return the rest of the name. If it exceeds `most`, some hidden ones may remain."""
    if name.isascii():
        return name.strip()
    name = _TAGS.sub(lambda found: found[1] or "", _HIDDEN.sub("", name)).strip()
    if _CONTEXTUAL.search(name):
        name = _LONG_RUN.sub(r"\1", name)
        kept: list[str] = []
        before = _Before()
        for index, char in enumerate(name):
            if len(kept) > most:
                return "".join(kept) + name[index:]
            following = name[index + 1 : index + 2]
            if not _CONTEXTUAL.match(char) or before.is_changed_by(char, following):
                kept.append(char)
                before.add(char)
        name = "".join(kept)
    return name.strip()


@dataclass(slots=True)
class _Before:
    """The text before a character, which decides whether that character is kept."""

    last: str = ""
    takes_joiner: bool = False
    """Whether the text ends with a letter or mark of a script in which joiners have an effect."""
    is_emoji: bool = False
    """Whether the text ends with an emoji that another one can be joined to."""
    is_mongolian: bool = False
    """Whether the text ends with a Mongolian letter and, if present, its variation selector."""

    def add(self, char: str) -> None:
        """Add a character that is kept."""
        self.last = char
        category = unicodedata.category(char)[0]
        if category != "M" or not _is_in(char, _ANY_SCRIPT):
            self.takes_joiner = category in "LM" and not _is_in(char, _NO_JOINERS)
        if char != _EMOJI_STYLE and not _is_in(char, _SKIN_TONES):
            self.is_emoji = _is_in(char, _PICTOGRAPHS)
        if not _is_in(char, _MONGOLIAN_SELECTORS):
            self.is_mongolian = _is_in(char, _MONGOLIAN_LETTERS)

    def is_changed_by(self, char: str, following: str) -> bool:
        """Return whether the joiner or selector has an effect before the `following` character."""
        if char in {ZWNJ, ZWJ}:
            joins_emoji = char == ZWJ and self.is_emoji and _is_in(following, _PICTOGRAPHS)
            return self.takes_joiner or joins_emoji
        if char == _MONGOLIAN_VOWEL_SEPARATOR:
            return self.is_mongolian and _is_in(following, _MONGOLIAN_LETTERS)
        return self.last != "" and _has_variation(self.last, char)


def _has_variation(char: str, selector: str) -> bool:
    """Return whether that variation selector may follow that character."""
    if _is_in(selector, _MONGOLIAN_SELECTORS):
        return _is_in(char, _MONGOLIAN_LETTERS)
    if selector in {_TEXT_STYLE, _EMOJI_STYLE}:
        return char in _KEYCAPS or _is_in(char, _PICTOGRAPHS)
    if _is_in(selector, _IDEOGRAPHIC_SELECTORS):
        return _is_in(char, _IDEOGRAPHS)
    category = unicodedata.category(char)
    is_letter = category == "Lo" and not _is_in(char, _NO_JOINERS)
    return is_letter or category[0] == "S" or char in _VARIED


def _is_visible(name: str) -> bool:
    return any(unicodedata.category(char)[0] in VISIBLE for char in name)
