import pytest
from hypothesis import given

from chat_core.errors import Invalid
from chat_core.passwords import MIN_PASSWORD, check_new_password, common_passwords
from chat_core.testing.strategies import hostile_texts
from chat_core.users import fold, is_text

NAMES = ("ann-smith", "Ann Smith \u00c4", "ann.of.old@mail.example")


def refusal(password: str) -> str:
    with pytest.raises(Invalid) as caught:
        check_new_password(password, NAMES, "newPassword")
    (error,) = caught.value.errors
    assert error.field == "newPassword"
    return error.message


@pytest.mark.parametrize("length", [8, 256])
def test_a_password_has_8_to_256_characters(length: int) -> None:
    assert check_new_password("\U0001f600" * length, NAMES)


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
    assert refusal(wrong) == "is one that many people use, so it is easily guessed"


@pytest.mark.parametrize(
    "wrong",
    ["ann-smith", "ANN-Smith", "ann smith \u00e4", "Ann Smith A\u0308", "ann.of.old@mail.example",
     "Ann.Of.Old", "\uff21nn-smith"],
)  # fmt: skip
def test_a_name_of_its_owner_is_no_password_whatever_the_case(wrong: str) -> None:
    assert refusal(wrong) == "must not be your own name or e-mail address"


@pytest.mark.parametrize("good", ["ann-smith's", "correct horse", "mail.example", "somebody-else"])
def test_others_are_taken_as_they_are(good: str) -> None:
    assert check_new_password(good, NAMES) == good
    assert check_new_password(good, (None, None)) == good


@given(text=hostile_texts)
def test_whatever_the_text_it_is_taken_as_it_is_or_the_field_is_named(text: str) -> None:
    try:
        assert check_new_password(text, NAMES) == text
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
