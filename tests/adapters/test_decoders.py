"""Every decoder, fed with whatever may come: what it does not take, it refuses in its own words."""

import base64
import json
import re
import string
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat_core.errors import Invalid, Malformed
from chat_core.users import fold
from chat_socketio.packets import MAX_ACK_ID, split_event
from chat_wire import decode, decode_call, decode_frame, requests
from chat_wire.codec import CursorId, decode_cursor, encode_cursor
from tests.support.machine_speed import is_linear

REQUESTS = sorted(
    (each for each in requests.Request.__subclasses__()), key=lambda each: each.__name__
)
NAMES = [
    field.encode_name for request in REQUESTS for field in msgspec.structs.fields(request)
]  # so that the search gets past "unknown field"

texts = st.text(max_size=20) | st.text(st.characters(categories=["Cs"]), max_size=2)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**400])
    | st.floats()
    | texts
    | st.sampled_from(["direct", "group", "member", "owner", "latest", "none"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def objects(draw: st.DrawFn) -> Any:
    """What nearly is a request: the fields of one, with values of any kind."""
    fields = msgspec.structs.fields(draw(st.sampled_from(REQUESTS)))
    return {each.encode_name: draw(values | texts) for each in fields if draw(st.booleans())}


def written(value: Any, *, escaped: bool) -> str:
    """As JSON, or, for NaN, what some take for it."""
    return json.dumps(value, ensure_ascii=escaped)


@st.composite
def bodies(draw: st.DrawFn) -> str | bytes:
    """JSON, JSON with a part cut out or repeated, or no JSON at all; as text or as bytes."""
    if draw(st.booleans()):
        deep = "[" * draw(st.integers(0, 2_000))
        text = draw(texts | st.just(deep) | st.just('{"a":' * len(deep)))
    else:
        text = written(draw(objects() | values), escaped=draw(st.booleans()))
    begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    text = draw(st.sampled_from([text, text, text[:begin] + text[end:], text[:end] + text[begin:]]))
    if draw(st.booleans()):
        return text
    data = text.encode("utf-8", "surrogatepass")
    return data + draw(st.just(b"") | st.binary(max_size=3))


def converted(request: Any) -> None:
    """What the service makes of a request that was read."""
    for method in ("account", "login", "change", "recipient", "group", "other", "request"):
        if hasattr(request, method):
            try:
                getattr(request, method)()
            except Invalid:
                continue


@pytest.mark.parametrize("request_type", REQUESTS, ids=lambda each: each.__name__)
@given(body=bodies())
@example(body=b'"\xff')
@example(body="\ud800")
@example(body='{"content":"\ud800"}')
@example(body='{"token":"x","token":"y"}')
@example(body="[" * 100_000)
@example(body="9" * 60_000)
def test_a_request_is_read_or_refused_in_words_of_the_wire(
    request_type: type[requests.Request], body: str | bytes
) -> None:
    try:
        request = decode(body, request_type)
    except (Malformed, Invalid) as error:
        assert error.detail
        return
    assert isinstance(request, request_type)
    converted(request)


@given(body=bodies())
def test_any_json_object_is_read_or_refused(body: str | bytes) -> None:
    try:
        read = decode(body, dict[str, msgspec.Raw])
    except (Malformed, Invalid):
        return
    assert isinstance(read, dict)


misleading = st.text('[]{}"\\\\,:a', max_size=8)
"""What would deceive who does not know where a string ends."""


@st.composite
def nested(draw: st.DrawFn) -> Any:
    """Arrays and objects in each other, with others beside them."""
    beside = st.lists(st.sampled_from([[], {}, [[]], {"a": [0]}]) | misleading, max_size=3)
    value: Any = draw(beside)
    for _ in range(draw(st.integers(0, 20))):
        in_array, more = draw(st.booleans()), draw(beside)
        value = [*more, value, *more] if in_array else {draw(misleading): value, "more": more}
    return value


def depth(value: Any) -> int:
    """How many arrays and objects are around the innermost one, itself included."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


@pytest.mark.parametrize("given_as", [str.encode, str], ids=["bytes", "text"])
@given(value=nested())
def test_sixteen_in_each_other_are_taken_and_seventeen_are_not(
    given_as: Callable[[str], str | bytes], value: Any
) -> None:
    try:
        read = decode(given_as(json.dumps(value)), object)
    except Malformed as error:
        assert "nested more than 16 deep" in error.detail
        assert depth(value) > 16
    else:
        assert read == value
        assert depth(value) <= 16


@pytest.mark.parametrize(
    "part", ["[", "[],", "[" * 15 + "]" * 15 + ",", '"",', "1,", '{"a":[', '["\\\\",']
)
def test_the_longest_event_holds_up_nobody(part: str) -> None:
    """All others wait meanwhile."""

    def refuse(size: int) -> None:
        with suppress(Malformed):
            decode_frame('["typing",' + part * (size // len(part)))

    assert is_linear(refuse, 65_536)


@pytest.mark.parametrize(
    "part", ["[", "[]", "[a", "]", "`", " - at `$", " - at `$[", ".", "\\n", "é"]
)
@pytest.mark.parametrize("request_type", [requests.LogIn, requests.Sync, requests.Register])
def test_the_longest_name_of_a_field_holds_up_nobody_and_is_not_repeated(
    request_type: type[requests.Request], part: str
) -> None:
    """Anybody can send it, without an account."""

    def refuse(size: int) -> None:
        name = part * (size // len(part))
        with pytest.raises(Invalid) as caught:
            decode(f'{{"{name}":1}}', request_type)
        assert len(caught.value.detail) < 300

    assert is_linear(refuse, 65_000)


OPTIONAL = [
    pytest.param(request, field.encode_name, id=f"{request.__name__}.{field.encode_name}")
    for request in REQUESTS
    for field in msgspec.structs.fields(request)
    if not field.required and request is not requests.ProfileUpdate  # where null removes
]
SAMPLES: dict[object, object] = {str: "x", int: 1, bool: True, dict: {}}


def sample(of: Any) -> object:
    """A value of a field that is required."""
    if get_origin(of) is Annotated:
        return sample(get_args(of)[0])
    if get_origin(of) is Literal:
        return get_args(of)[0]
    return SAMPLES[get_origin(of) or of]


@pytest.mark.parametrize(("request_type", "name"), OPTIONAL)
def test_null_counts_as_absent(request_type: type[requests.Request], name: str) -> None:
    fields = msgspec.structs.fields(request_type)
    given = {each.encode_name: sample(each.type) for each in fields if each.required}
    absent = decode(json.dumps(given), request_type)
    assert decode(json.dumps(given | {name: None}), request_type) == absent


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5_000])
def test_of_an_event_two_arguments_are_told_at_most(count: int) -> None:
    name, arguments = decode_frame(json.dumps(["typing", *range(count)]))
    assert name == "typing"
    assert arguments == [b"0", b"1"][:count]


@st.composite
def calls(draw: st.DrawFn) -> str:
    """What nearly is an event: a name, and arguments that nearly are those of one."""
    name = draw(texts | st.sampled_from(["send_message", "sync", "typing", "connect"]))
    arguments = draw(st.lists(objects() | values, min_size=draw(st.integers(0, 1)), max_size=2))
    text = written([name, *arguments], escaped=draw(st.booleans()))
    begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return draw(st.sampled_from([text, text, text, text[:begin] + text[end:], text + text[begin:]]))


@given(text=calls() | bodies().filter(lambda body: isinstance(body, str)))
@example(text="[]")
@example(text="[1,{}]")
@example(text='["\\ud800",{}]')
@example(text="[" * 50_000)
def test_an_event_has_a_name_and_arguments_or_is_refused(text: str) -> None:
    try:
        name, arguments = decode_frame(text)
    except Malformed:
        return
    assert isinstance(name, str)
    name.encode()  # no half of a surrogate pair
    for argument in arguments:
        msgspec.json.decode(argument)


@pytest.mark.parametrize(
    "request_type", [requests.SendMessage, requests.Sync], ids=lambda each: each.__name__
)
@given(text=calls())
@example(text='["send_message",{"content":"x"}]')
@example(text='["send_message",{"content":"x"},{}]')
@example(text='["send_message",{"content":"\\ud800"}]')
@example(text='["send_message",{"content":"x","content":"y"}]')
@example(text=' [ "send_message" , { "content" : "x" } ] ')
def test_the_short_way_of_reading_an_event_agrees_with_the_long_one(
    request_type: type[requests.Request], text: str
) -> None:
    """The short one may give up where the long one reads; what it reads is the same."""
    short = decode_call(text, request_type)
    try:
        _, arguments = decode_frame(text)
        long = decode(arguments[0], request_type) if len(arguments) == 1 else None
    except (Malformed, Invalid):
        long = None
    assert short == long


@given(cursor=texts | st.text(string.ascii_letters + string.digits + "-_=", max_size=1_500))
@example(cursor="é")
@example(cursor="\ud800")
@example(cursor="=")
@example(cursor=encode_cursor(("x", 2**63)))
def test_a_cursor_is_a_place_or_refused(cursor: str) -> None:
    try:
        place = decode_cursor(cursor, tuple[str | None, int | None])
    except Invalid as error:
        assert [each.field for each in error.errors] == ["cursor"]
        return
    assert encode_cursor(place) == cursor


storable_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
offsets = st.sampled_from([UTC, timezone(timedelta(hours=1)), None])
moments = st.datetimes(timezones=offsets)


@given(place=st.tuples(st.none() | storable_texts, st.none() | st.integers(0, 2**63 - 1)))
def test_a_cursor_that_was_given_out_is_the_place_that_it_was_made_of(
    place: tuple[str | None, int | None],
) -> None:
    assert decode_cursor(encode_cursor(place), tuple[str | None, int | None]) == place


@given(at=moments, id_=st.text(max_size=70))
@example(at=datetime(2026, 1, 1), id_="x")  # noqa: DTZ001 - without a zone, that is the point
@example(at=datetime.max.replace(tzinfo=UTC), id_="x")
@example(at=datetime(2026, 1, 1, tzinfo=UTC), id_="a\0b")
@example(at=datetime(2026, 1, 1, tzinfo=UTC), id_="x\n")
def test_a_moment_of_a_cursor_is_in_utc_and_its_id_an_id(at: datetime, id_: str) -> None:
    is_issued = at.tzinfo is UTC and re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", id_) is not None
    try:
        place = decode_cursor(encode_cursor((at, id_)), tuple[datetime, CursorId])
    except Invalid:
        assert not is_issued
    else:
        assert is_issued
        assert place == (at, id_)


def test_the_longest_name_has_a_cursor() -> None:
    key = fold("\ufdfa" * 64)
    place = (key, "x" * 64)
    assert decode_cursor(encode_cursor(place), tuple[str, CursorId]) == place


@pytest.mark.parametrize(
    "text", ['[ "x"]', '["x" ]', '["\\u0078"]', '["x"]\n', '["x","y"]', "[]", '"x"', "[" * 700]
)
def test_each_place_has_one_cursor(text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    with pytest.raises(Invalid):
        decode_cursor(cursor, tuple[CursorId])
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor(("x",)) + "=", tuple[CursorId])


@given(head=st.text(string.digits + "٣²-+ ", max_size=40), rest=calls() | texts)
@example(head="²", rest="[]")
@example(head="٣", rest="[]")
@example(head="9" * 16, rest="[]")
@example(head="", rest="")
def test_an_ack_id_is_a_few_digits_and_nothing_of_a_frame_is_lost(head: str, rest: str) -> None:
    ack_id, text = split_event(head + rest)
    assert ack_id + text == head + rest
    assert len(ack_id) <= MAX_ACK_ID
    assert set(ack_id) <= set(string.digits)
