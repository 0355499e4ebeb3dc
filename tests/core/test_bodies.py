import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.bodies import (
    Body,
    check_text,
    digest_of,
    is_digest_of,
    more_of,
    stored_body,
)
from chat_core.errors import Invalid
from chat_core.testing.strategies import bodies, contents, hostile_texts, parts

# what stores keep


@given(body=bodies)
def test_a_body_comes_back_from_what_a_store_keeps(body: Body) -> None:
    back = stored_body(body.text, more_of(body))

    assert back == body
    assert more_of(back) == more_of(body)  # the order of keys, and `1` against `1.0` and `true`


@given(text=contents)
def test_a_plain_body_is_its_text_alone(text: str) -> None:
    assert more_of(Body(text)) is None
    assert more_of(Body(text, {})) is None
    assert stored_body(text, None) == stored_body(text, "{}") == Body(text)


def test_a_deleted_message_has_no_body() -> None:
    assert stored_body(None, None) is None


@given(text=contents, new=contents, kept=parts)
def test_parts_of_a_newer_version_outlive_an_edit(text: str, new: str, kept: object) -> None:
    more = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    body = stored_body(text, more)

    assert body is not None
    assert more_of(replace(body, text=new)) == more


# repeats


@given(text=contents)
def test_the_digest_of_a_plain_body_is_what_version_0_1_stored(text: str) -> None:
    in_mongodb = hashlib.blake2b(text.encode(), digest_size=16).digest()
    in_sqlite = hashlib.sha256(text.encode()).digest()

    assert digest_of(Body(text)) == in_mongodb
    assert is_digest_of(in_mongodb, Body(text))
    assert is_digest_of(in_sqlite, Body(text))
    for digest in (in_mongodb, in_sqlite):
        assert not is_digest_of(digest, Body(f"{text} "))
        assert not is_digest_of(digest, Body(text, {"part": None}))


@given(body=bodies)
def test_a_digest_is_that_of_its_body(body: Body) -> None:
    assert is_digest_of(digest_of(body), body)
    assert not is_digest_of(digest_of(body), Body(body.text, {"other": body.unknown}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":{"b":1,"c":[{"d":2,"e":3}]}}', '{"a":{"c":[{"e":3,"d":2}],"b":1}}'),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":[1e2,-0.0]}', '{"a":[100,0]}'),
        ('{"a":9007199254740991}', '{"a":9007199254740991.0}'),
        ('{"a":"\u00e9"}', '{"a":"\\u00e9"}'),
    ],
)
def test_parts_with_the_same_values_have_one_digest(one: str, other: str) -> None:
    bodies = stored_body("hello", one), stored_body("hello", other)

    assert None not in bodies
    assert len({digest_of(each) for each in bodies if each is not None}) == 1


def test_parts_with_other_values_have_another_digest() -> None:
    parts = ["1", "true", '"1"', "[1]", "1.5", "null", "{}", "[]", "[1,2]", "[2,1]", "0", "false"]
    bodies = [stored_body("hello", f'{{"a":{value}}}') for value in parts]
    bodies += [Body("hello"), Body("Hello"), Body("hello", {"b": 1}), Body('hello{"a": 1.0}')]

    assert len({digest_of(each) for each in bodies if each is not None}) == len(bodies)


# texts


@given(content=contents)
def test_content_is_kept_as_it_is(content: str) -> None:
    assert check_text(content, 4096) == content


@given(content=contents)
def test_content_is_bounded_in_bytes_not_in_characters(content: str) -> None:
    size = len(content.encode())

    assert check_text(content, size) == content
    if size > 1:
        with pytest.raises(Invalid):
            check_text(content, size - 1)


@pytest.mark.parametrize("char", ["a", "\u00e9", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("bound", [4096, 4])
def test_the_bound_is_the_last_size_that_is_taken(char: str, bound: int) -> None:
    most = bound // len(char.encode())

    assert check_text(char * most, bound)
    with pytest.raises(Invalid, match=f"at most {bound} bytes"):
        check_text(char * (most + 1), bound)


@pytest.mark.parametrize("content", ["", "\0", "a\0b", "\ud800", "\udc00\ud800", "a\udfff"])
def test_nothing_and_nul_and_half_a_surrogate_pair_are_no_content(content: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_text(content, 4096)
    assert [each.field for each in caught.value.errors] == ["content"]


@given(content=hostile_texts, bound=st.integers(1, 40))
def test_content_that_is_taken_fits_and_can_be_encoded(content: str, bound: int) -> None:
    try:
        taken = check_text(content, bound)
    except Invalid:
        return
    assert taken == content
    assert 0 < len(content.encode()) <= bound
