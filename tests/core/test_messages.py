import pytest
from hypothesis import given

from chat_core.errors import Invalid
from chat_core.messages import check_client_id
from chat_core.testing.strategies import client_ids


@given(client_id=client_ids)
def test_any_short_text_is_a_client_id(client_id: str) -> None:
    assert check_client_id(client_id) == client_id


@pytest.mark.parametrize("client_id", ["", "x" * 65, "a\0", "\ud800"])
def test_other_text_is_no_client_id(client_id: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_client_id(client_id)
    assert [each.field for each in caught.value.errors] == ["clientMessageId"]
