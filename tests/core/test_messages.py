import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.errors import Invalid
from chat_core.messages import check_client_id, check_content
from chat_core.testing.strategies import client_ids, contents, hostile_texts


@given(content=contents)
def test_content_is_kept_as_it_is(content: str) -> None:
    assert check_content(content, 4096) == content


@given(content=contents)
def test_content_is_bounded_in_bytes_not_in_characters(content: str) -> None:
    size = len(content.encode())

    assert check_content(content, size) == content
    if size > 1:
        with pytest.raises(Invalid):
            check_content(content, size - 1)


@pytest.mark.parametrize("char", ["a", "\u00e9", "\u20ac", "\U0001f600"])
@pytest.mark.parametrize("bound", [4096, 4])
def test_the_bound_is_the_last_size_that_is_taken(char: str, bound: int) -> None:
    most = bound // len(char.encode())

    assert check_content(char * most, bound)
    with pytest.raises(Invalid, match=f"at most {bound} bytes"):
        check_content(char * (most + 1), bound)


@pytest.mark.parametrize("content", ["", "\0", "a\0b", "\ud800", "\udc00\ud800", "a\udfff"])
def test_nothing_and_nul_and_half_a_surrogate_pair_are_no_content(content: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_content(content, 4096)
    assert [each.field for each in caught.value.errors] == ["content"]


@given(content=hostile_texts, bound=st.integers(1, 40))
def test_content_that_is_taken_fits_and_can_be_encoded(content: str, bound: int) -> None:
    try:
        taken = check_content(content, bound)
    except Invalid:
        return
    assert taken == content
    assert 0 < len(content.encode()) <= bound


@given(client_id=client_ids)
def test_any_short_text_is_a_client_id(client_id: str) -> None:
    assert check_client_id(client_id) == client_id


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a\0", "\ud800"])
def test_other_text_is_no_client_id(client_id: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_client_id(client_id)
    assert [each.field for each in caught.value.errors] == ["clientMessageId"]
