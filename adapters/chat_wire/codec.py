"""Strict JSON encoding and decoding. Depth is checked before parsing."""

import base64
import binascii
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec

from chat_core.errors import FieldError, Invalid, Malformed
from chat_core.users import is_text

T = TypeVar("T")

MAX_DEPTH = 16
MAX_CURSOR = 8192
"""Maximum length of a cursor. The longest real cursor is about half as long. It contains a name
of 64 characters, which case folding can make 18 times as long."""
CursorId = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~-]{1,64}\Z")]
"""The id of a user or a conversation in a cursor."""
MAX_TOLD = 100
"""Maximum characters that an error quotes of a field's name and of its message.

A client can invent a name as long as its request body.
"""

_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_WHERE = re.compile(r"(?P<what>.*) - at `\$\.?(?P<field>.*)`", re.DOTALL)
_NAMED = re.compile(
    r"Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`", re.DOTALL
)
_PLACE = re.compile(r"\[([^\[\]]*)\]")
"""A place in a list, which msgspec writes as `[0]` or `[...]`."""

_encoder = msgspec.json.Encoder()
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}
_calls: dict[object, msgspec.json.Decoder[Any]] = {}


def _decoder(type_: object) -> msgspec.json.Decoder[Any]:
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.json.Decoder(type_)
    return decoder


def encode(value: object) -> bytes:
    """Return the value as compact JSON."""
    return _encoder.encode(value)


def decode(text: bytes | str, type_: type[T]) -> T:
    """Decode JSON as exactly that type; unknown fields, other types and NaN are refused.

    Raises `Malformed` if the text is not JSON or is nested more than 16 deep. Raises `Invalid`,
    with the fields that are wrong, for every other error.
    """
    try:
        _check_depth(text)
        value: T = _decoder(type_).decode(text)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"The request can't be read: {error}") from None
    return value


class _Frame(msgspec.Struct, array_like=True):
    name: str
    first: msgspec.Raw = msgspec.Raw()
    second: msgspec.Raw = msgspec.Raw()


def decode_frame(text: str) -> tuple[str, list[bytes]]:
    """Return the name of an event, `["name", …]`, and its first two arguments, undecoded.

    Further arguments are skipped, because no event takes more than one. Raises `Malformed`.
    """
    try:
        _check_depth(text)
        frame = _decoder(_Frame).decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(f"The event can't be read: {error}") from None
    return frame.name, [bytes(each) for each in (frame.first, frame.second) if each]


def decode_call(text: str, type_: type[T]) -> T | None:
    """Return the only argument of an event, `["name", {…}]`, or None if it is not of that type.

    This is the fast path for frequent events: it parses the frame once. To get the error, call
    `decode_frame` and `decode`.
    """
    decoder = _calls.get(type_)
    if decoder is None:
        decoder = _calls[type_] = msgspec.json.Decoder(tuple[str, type_])  # type: ignore[valid-type]
    try:
        argument: T = decoder.decode(text)[1]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return argument


def encode_cursor(place: tuple[object, ...]) -> str:
    """Encode a place in a list as opaque text."""
    return base64.urlsafe_b64encode(encode(place)).rstrip(b"=").decode()


def decode_cursor(cursor: str, type_: type[T]) -> T:
    """Return the place, a tuple of that type, from which `encode_cursor` made the cursor.

    Raises `Invalid` if `encode_cursor` can't have made it. Times must be in UTC, every text must be
    one that the stores accept, and each place has exactly one cursor.
    """
    padded = cursor[: MAX_CURSOR + 1] + "=" * (-len(cursor) % 4)
    try:
        place: T = _decoder(type_).decode(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise not_issued() from error
    values = place if isinstance(place, tuple) else ()
    if not all(map(_is_storable, values)) or encode_cursor(values) != cursor:
        raise not_issued()
    return place


def not_issued() -> Invalid:
    """Return the error for a cursor that this server did not issue."""
    return Invalid.field("cursor", "was not issued by this server")


def _is_storable(value: object) -> bool:
    if isinstance(value, datetime):
        return value.utcoffset() == timedelta(0)
    return not isinstance(value, str) or is_text(value)


def _check_depth(text: bytes | str) -> None:
    """Raise `msgspec.DecodeError` if the text is nested more than 16 deep.

    This must be fast for the worst text within the size limit, so it does not loop over characters:
    it removes the strings, and then removes empty pairs of brackets sixteen times.
    """
    if isinstance(text, str):
        text = text.encode()
    else:
        text.decode()  # raises on invalid UTF-8 in parts that the decoder would skip
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return
    without_escapes = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside_strings = b"".join(without_escapes.split(b'"')[::2])
    brackets = outside_strings.translate(_AS_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    if b"[]" in brackets or brackets.count(b"[") > MAX_DEPTH:
        raise msgspec.DecodeError(f"nested more than {MAX_DEPTH} deep")


def _invalid(error: str) -> Invalid:
    where = _WHERE.fullmatch(error)
    what, field = (where["what"], where["field"]) if where else (error, "")
    named = _NAMED.fullmatch(what)
    if named:
        field = f"{field}.{named['field']}".lstrip(".")
        what = "is missing" if named["what"] == "missing required" else "is not a known field"
    # Cut the text first, because searching a long text for places takes long.
    field = _PLACE.sub(r".\1", _cut(field)).strip(".")
    message = _cut(what[:1].lower() + what[1:])
    return Invalid(f"{field}: {message}" if field else message, errors=[FieldError(field, message)])


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TOLD else f"{text[:MAX_TOLD]}…"
