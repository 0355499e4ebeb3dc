"""Packets of Engine.IO and Socket.IO, right ones and ones that were mangled, from a seeded chance.

The corpus is what clients send, with everything that once was trouble; a mutation changes one part
of it: a type, an ack id, a namespace, a value of its JSON, some bytes.
"""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SEPARATOR = "\x1e"
"""Between the packets of one polling request."""

EVENTS: Sequence[str] = (
    '["register_user",{"token":"TOKEN"}]',
    '["register_user",{"token":"TOKEN","device":"fuzz"}]',
    '["send_message",{"recipientId":"USER","content":"MARK"}]',
    '["send_message",{"conversationId":"CONVERSATION","content":"MARK","clientMessageId":"c-1"}]',
    '["sync",{"conversations":{}}]',
    '["sync",{"conversations":{"CONVERSATION":1},"others":"none","limit":3}]',
    '["sync",{"conversations":{},"cursor":"WzEsbnVsbCxudWxsXQ"}]',
    '["mark_delivered",{"conversationId":"CONVERSATION","seq":1}]',
    '["mark_read",{"conversationId":"CONVERSATION","seq":1}]',
    '["typing",{"conversationId":"CONVERSATION","typing":true}]',
)
"""The events of a client; the words in capitals are filled in."""

RESERVED = ("connect", "disconnect", "connect_error", "newListener", "*", "__disconnect_final")

OTHERS: Sequence[str] = (
    '40{"token":"TOKEN"}', "40", "40/,", "40/admin,", "41", "41/admin,", "43", "431[]", "44",
    '44{"message":"x"}', "0", "1", "2", "2probe", "3", "3probe", "5", "6", "", "x", "4", "4x",
    "bAAAA", "b4", "451-", "461-1[]", "450-[]", '4510-["x",{"_placeholder":true,"num":0}]',
    '451-["send_message",{"_placeholder":true,"num":0}]', '51-["x",{"_placeholder":true,"num":-1}]',
    '42999999999999999999999999["sync",{}]', '42-1["sync",{}]', '42٣["sync",{}]', "42²[]",
    '42/admin,1["send_message",{}]', '421["\\ud800",{}]', '421["send_message",{},{}]',
)  # fmt: skip

VALUES: Sequence[str] = (
    "null", "true", "-0", "1e308", "1e999", "-1e999", "NaN", "-Infinity", "Infinity", f"{2**53}",
    f"{2**63}", f"{-(2**63)}", f"{2**64}", "9" * 400, "9" * 5_000, "1." + "0" * 300 + "1",
    "1e-999", "00", "0x1", '""', '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\\uD83D\\uDE00"',
    '"\u202e"', '"\\"', '"' + "x" * 5_000 + '"', '"' + "\\n" * 3_000 + '"', "[]", "{}", "[[]]",
    "[" * 17 + "]" * 17, "[" * 3_000, "]" * 3_000, '{"a":' * 40 + "1" + "}" * 40,
    '{"__proto__":{}}', '{"a":1,"a":2}', "[1,]", "{,}", "'x'", "\x00", "\ufeff{}", "//",
    '{"_placeholder":true,"num":0}', '{"$gt":""}', '"' + "é" * 2_000 + '"',
)  # fmt: skip
"""JSON, and what only looks like it, to stand in the place of a value."""


@dataclass(slots=True)
class PacketFuzzer:
    """Makes packets. The same seed makes the same ones in the same order."""

    chance: random.Random
    words: dict[str, str]
    """What to put in the place of the words in capitals."""

    def valid(self) -> str:
        """An event that a client may send, with an ack id."""
        return f"42{self.chance.randrange(1_000)}{self._event()}"

    def packet(self) -> bytes:
        """One packet, right or wrong."""
        chance = self.chance
        is_event = chance.random() < 0.7
        text = self.valid() if is_event else self._filled(chance.choice(OTHERS))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 4))):
            text = chance.choice(self._of_text)(text)
        data = text.encode("utf-8", "surrogatepass")
        if chance.random() < 0.1:
            data = self._bytes_changed(data)
        return data

    def _event(self) -> str:
        return self._filled(self.chance.choice(EVENTS))

    def _filled(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text

    @property
    def _of_text(self) -> Sequence[Callable[[str], str]]:
        return (
            self._another_value,
            self._another_value,
            self._another_type,
            self._another_ack_id,
            self._another_namespace,
            self._another_name,
            self._another_array,
            self._spliced,
            self._cut,
            self._repeated,
            self._grown,
        )

    def _another_value(self, text: str) -> str:
        """A value of the JSON, at any depth, becomes another one."""
        begin = text.find("[")
        try:
            array = json.loads(text[begin:] if begin >= 0 else "")
        except (ValueError, RecursionError):
            return text + self.chance.choice(VALUES)
        hole, value = "\ue000", self.chance.choice(VALUES)
        holders = [array]
        for each in holders:
            inside = each.values() if isinstance(each, dict) else each
            holders += [part for part in inside if isinstance(part, dict | list) and part]
        holder = self.chance.choice(holders)
        if isinstance(holder, dict):
            holder[self.chance.choice([*holder, "more"])] = hole
        elif holder:
            holder[self.chance.randrange(len(holder))] = hole
        return text[:begin] + json.dumps(array, ensure_ascii=False).replace(f'"{hole}"', value)

    def _another_type(self, text: str) -> str:
        return self.chance.choice(["4", "", "5", "6", "b", "40", "45", "46", "47", "4٢"]) + text[1:]

    def _another_ack_id(self, text: str) -> str:
        ids = ["", "0", "-1", "9" * 15, "9" * 16, "9" * 4_000, "1.5", "٣", "1 ", "+1", "0x1", "1-"]
        return text[:2] + self.chance.choice(ids) + text[2:].lstrip("0123456789")

    def _another_namespace(self, text: str) -> str:
        names = ["/", "/,", "/admin,", "/admin", "/" * 5_000, "/?a=b,", "/\x00,", "//,", "/a" * 900]
        return text[:2] + self.chance.choice(names) + text[2:]

    def _another_name(self, text: str) -> str:
        name = self.chance.choice([*RESERVED, "", "x" * 9_000, "send_message\\u0000", "\\ud800"])
        return f'42{self.chance.randrange(9)}["{name}"{text[text.find(",") :]}'

    def _another_array(self, text: str) -> str:
        event = text[text.find("[") :]
        arrays = [
            "[]",
            "{}",
            "[1]",
            "[null]",
            f"[{event}]",
            f"{event}{event}",
            event[1:],
            event[:-1],
        ]
        return text[:3] + self.chance.choice(arrays)

    def _spliced(self, text: str) -> str:
        other = self._event()
        return text[: self._place(text)] + other[self._place(other) :]

    def _cut(self, text: str) -> str:
        begin, end = sorted((self._place(text), self._place(text)))
        return text[:begin] + text[end:]

    def _repeated(self, text: str) -> str:
        begin, end = sorted((self._place(text), self._place(text)))
        times = self.chance.choice((2, 3, 50))
        return (text[:begin] + text[begin:end] * times + text[end:])[:70_000]

    def _grown(self, text: str) -> str:
        """At, or just past, the bound of a frame."""
        size = self.chance.choice((65_535, 65_536, 65_537, 70_000))
        return text + self.chance.choice("x []1\x00é") * max(0, size - len(text))

    def _bytes_changed(self, data: bytes) -> bytes:
        changed = bytearray(data or b"4")
        for _ in range(self.chance.choice((1, 2, 8))):
            changed[self.chance.randrange(len(changed))] = self.chance.randrange(256)
        return bytes(changed)

    def _place(self, text: str) -> int:
        return self.chance.randrange(len(text) + 1)
