import unicodedata

import pytest
from hypothesis import given

from chat_core.errors import Invalid
from chat_core.passwords import (
    MAX_PASSWORD,
    MAX_TYPED,
    MIN_PASSWORD,
    PasswordRules,
    common_passwords,
    forms,
    normalized,
)
from chat_core.testing.strategies import hostile_texts
from chat_core.users import fold, is_text
from tests.support.machine_speed import is_linear

NAMES = ("ann-smith", "Ann Smith \u00c4", "ann.of.old@mail.example")
RULES = PasswordRules(frozenset({"chat.example.org", "[2001:db8::1]"}))
FACES = "\U0001f600\U0001f601\U0001f602\U0001f603\U0001f604"


def refusal(password: str) -> str:
    with pytest.raises(Invalid) as caught:
        RULES.check(password, NAMES, "newPassword")
    (error,) = caught.value.errors
    assert error.field == "newPassword"
    return error.message


@pytest.mark.parametrize("length", [8, 256])
def test_a_password_has_8_to_256_characters(length: int) -> None:
    password = (FACES * length)[:length]

    assert RULES.check(password, NAMES) == password


def test_the_length_of_a_password_is_that_of_its_normal_form() -> None:
    assert RULES.check("abcde\u0301fgh", NAMES) == "abcd\u00e9fgh"
    assert len(RULES.check("e\u0301a\u0301o\u0301iu" * 51, NAMES)) == 255
    assert refusal("abcde\u0301fg") == "must be 8 to 256 characters"


def test_no_character_decomposes_into_more_than_the_bound_of_what_is_normalized_allows() -> None:
    longest = max(len(unicodedata.normalize("NFD", chr(each))) for each in range(0x110000))

    assert longest * MAX_PASSWORD == MAX_TYPED
    whole = "\u1f82" * MAX_PASSWORD
    assert normalized(unicodedata.normalize("NFD", whole)) == whole


def test_text_that_is_too_long_for_a_password_is_not_normalized() -> None:
    # Normalized it would take a second, in which nobody else is served.
    def judge(size: int) -> None:
        hostile = "a" + "\u0301" * (size // 2) + "\u0316" * (size // 2)
        assert forms(hostile) == (hostile,)
        assert refusal(hostile) == "must be 8 to 256 characters"

    assert is_linear(judge, 30_000)


@pytest.mark.parametrize(
    "wrong", ["abcdabcd", "\U0001f600" * 8, "aAbBaAbB", "e\u0301\u00e9" * 8 + "abc"]
)
def test_a_password_has_5_different_characters(wrong: str) -> None:
    assert refusal(wrong) == "must have at least 5 different characters"
    assert RULES.check(wrong + "xyz\u2603", NAMES)


@pytest.mark.parametrize(
    "wrong", ["chat.example.org", "Chat.Example.ORG", "\uff43hat.example.org", "2001:DB8::1",
              "[2001:db8::1]"]
)  # fmt: skip
def test_a_host_of_the_service_is_no_password_whatever_the_case(wrong: str) -> None:
    assert refusal(wrong) == "must not be the name of this service"
    assert PasswordRules().check(wrong, NAMES) == wrong


@given(text=hostile_texts)
def test_a_typed_password_is_looked_for_in_its_normal_form_and_as_it_was_typed(text: str) -> None:
    first, *others = forms(text)

    assert first == unicodedata.normalize("NFC", text)
    assert others == ([] if first == text else [text])


@pytest.mark.parametrize(
    "wrong", ["\U0001f600" * 7, "x" * 257, "", "annas\0horse", "anna\ud800horse"]
)
def test_a_password_that_is_short_or_long_or_no_text_is_refused(wrong: str) -> None:
    assert refusal(wrong) == "must be 8 to 256 characters"


@pytest.mark.parametrize(
    "wrong",
    ["password", "Password", "PASSWORD1", "12345678", "qwertyuiop", "iloveyou", "letmein1",
     "P@ssw0rd", "aaaaaaaa", "trustno1", "football", "#1stunna", "\uff50assword"],
)  # fmt: skip
def test_a_password_that_many_people_use_is_refused_whatever_the_case(wrong: str) -> None:
    assert refusal(wrong) == "is too common, so it is easy to guess"


@pytest.mark.parametrize(
    "wrong",
    ["ann-smith", "ANN-Smith", "ann smith \u00e4", "Ann Smith A\u0308", "ann.of.old@mail.example",
     "Ann.Of.Old", "\uff21nn-smith"],
)  # fmt: skip
def test_a_name_of_its_owner_is_no_password_whatever_the_case(wrong: str) -> None:
    assert refusal(wrong) == "must not be your own name or e-mail address"


@pytest.mark.parametrize("good", ["ann-smith's", "correct horse", "mail.example", "somebody-else"])
def test_others_are_taken_as_they_are(good: str) -> None:
    assert RULES.check(good, NAMES) == good
    assert RULES.check(good, (None, None)) == good


@given(text=hostile_texts)
def test_whatever_the_text_it_is_taken_in_its_normal_form_or_the_field_is_named(text: str) -> None:
    try:
        assert RULES.check(text, NAMES) == unicodedata.normalize("NFC", text)
    except Invalid as error:
        assert [each.field for each in error.errors] == ["password"]
    else:
        assert is_text(text)


def test_the_list_is_of_passwords_that_could_be_chosen_in_the_form_in_which_they_are_compared() -> (
    None
):
    common = common_passwords()

    assert 8000 < len(common) < 20_000
    assert [each for each in common if fold(each) != each or len(each) < MIN_PASSWORD] == []
    assert [each for each in common if each.startswith("# ") or each != each.strip()] == []
