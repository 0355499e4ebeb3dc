import re
from collections import Counter

import pytest

from chat_core import ChatError, ErrorKind, FieldError
from chat_core.errors import Invalid, NotFound, RateLimited

CLASSES = list(ChatError.classes())


def subclasses(of: type[ChatError]) -> set[type[ChatError]]:
    direct = set(of.__subclasses__())
    return direct.union(*map(subclasses, direct))


def test_every_subclass_has_a_code_of_its_own() -> None:
    assert set(ChatError.classes()) == subclasses(ChatError)
    assert [
        code for code, count in Counter(each.code for each in CLASSES).items() if count > 1
    ] == []


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.code)
def test_every_error_says_in_a_sentence_what_is_wrong_and_of_what_kind(
    error: type[ChatError],
) -> None:
    assert isinstance(error.kind, ErrorKind)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert re.fullmatch(r"[A-Z].*[^.]", error.title)
    assert error.__doc__


def test_every_kind_has_an_error() -> None:
    assert {each.kind for each in CLASSES} == set(ErrorKind)


def test_the_detail_of_an_error_is_its_title_if_there_is_none() -> None:
    assert NotFound().detail == str(NotFound()) == NotFound.title
    assert NotFound("No such user").detail == str(NotFound("No such user")) == "No such user"


def test_an_error_carries_its_fields_and_when_to_retry() -> None:
    wrong = Invalid.field("members.0.userId", "must be someone else")

    assert wrong.errors == (FieldError("members.0.userId", "must be someone else"),)
    assert "members.0.userId" in wrong.detail
    assert (wrong.retry_after, RateLimited(retry_after=1.5).retry_after) == (None, 1.5)
