import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat_core.conversations import clean_title
from chat_core.errors import Invalid
from chat_core.sessions import clean_device
from chat_core.testing.strategies import display_names, hostile_texts, texts, usernames
from chat_core.users import (
    check_email,
    check_username,
    clean_display_name,
    fold,
    is_text,
)

CHECKS: list[tuple[Callable[[str], str], str]] = [
    (check_username, "username"),
    (check_email, "email"),
]


@pytest.mark.parametrize(("check", "field"), CHECKS)
@given(text=hostile_texts)
def test_a_rule_returns_text_as_it_is_or_names_the_field(
    check: Callable[[str], str], field: str, text: str
) -> None:
    checked: str | None = None
    wrong: tuple[str, ...] = ()
    try:
        checked = check(text)
    except Invalid as error:
        wrong = tuple(each.field for each in error.errors)

    assert (checked, wrong) in {(text, ()), (None, (field,))}
    assert wrong or is_text(text)


@pytest.mark.parametrize(
    "check", [check_username, check_email, clean_display_name, clean_title, clean_device]
)
@pytest.mark.parametrize("text", ["annas\0name@example", "annas\ud800name@example"])
def test_no_rule_takes_what_a_store_cannot_keep(check: Callable[[str], str], text: str) -> None:
    if check is check_username:
        text = text.replace("@", "-")
    assert check(text.replace("\0", "-").replace("\ud800", "-"))
    with pytest.raises(Invalid):
        check(text)


@given(name=usernames)
def test_a_name_of_letters_digits_dots_underscores_and_hyphens_is_a_user_name(name: str) -> None:
    assert check_username(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 33,
        "a b",
        "ann ",
        "ann\n",
        "ann@home",
        "\u00e4nne",
        "\uff41nn",
        "\u0661\u0662\u0663",
        "ann/",
    ],
)
def test_other_names_are_no_user_names(name: str) -> None:
    with pytest.raises(Invalid):
        check_username(name)


@pytest.mark.parametrize("name", ["abc", "a" * 32, "...", "-_-", "A1."])
def test_a_user_name_has_3_to_32_characters(name: str) -> None:
    assert check_username(name) == name


@pytest.mark.parametrize(
    "address", ["a@b", "ann+tag@example.org", "\u00e4@\u00f6.de", "x" * 252 + "@y"]
)
def test_an_address_has_one_at_sign_inside(address: str) -> None:
    assert check_email(address) == address


@pytest.mark.parametrize(
    "address",
    ["", "ann", "@", "@b", "a@", "a@b@c", "a b@c", "a@b ", "a@b\n", "x" * 253 + "@y", "a\u00a0@b"],
)
def test_other_text_is_no_address(address: str) -> None:
    with pytest.raises(Invalid):
        check_email(address)


@given(name=display_names)
def test_any_visible_name_can_be_shown(name: str) -> None:
    assert clean_display_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "\u3000\u00a0", "x" * 65, "a\nb", "a\tb", "a\x7fb", "a\x85b"]
)
def test_a_name_that_is_empty_or_too_long_or_has_controls_cannot_be_shown(name: str) -> None:
    with pytest.raises(Invalid):
        clean_display_name(name)


@pytest.mark.parametrize(
    ("check", "shortest", "longest"),
    [(clean_display_name, 1, 64), (clean_device, 1, 100)],
)
def test_lengths_are_counted_in_characters(
    check: Callable[[str], str], shortest: int, longest: int
) -> None:
    for length in (shortest, longest):
        assert check("\U0001f600" * length)
    for length in (shortest - 1, longest + 1):
        with pytest.raises(Invalid):
            check("\U0001f600" * length)


@given(text=texts)
@example("\u0390")
@example("\u01f0\u0345")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(text=texts)
def test_names_that_look_alike_fold_alike(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(char=st.characters(exclude_categories=["Cs"], exclude_characters="\u0131\u0345"))
@example("\u0390")
@example("\u1fe7")
@example("\u00df")
@example("\u03c2")
@example("\ufb01")
def test_case_does_not_matter_in_a_folded_name(char: str) -> None:
    name = f"a{char}z"
    assert fold(name) == fold(name.upper()) == fold(name.lower())


@given(text=texts)
def test_folded_text_can_be_stored(text: str) -> None:
    assert is_text(fold(text))


@given(text=st.text(st.characters()))
def test_text_is_what_utf_8_can_carry_without_nul(text: str) -> None:
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        assert not is_text(text)
    else:
        assert is_text(text) is (b"\0" not in encoded)
