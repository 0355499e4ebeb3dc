"""All that you write to test your adapter: pytest, with `asyncio_mode = auto`."""

from pathlib import Path

import pytest
from json_stores import JsonBlockStore, JsonFile, JsonUserStore

from chat_core.testing import BlockStoreContract, UserStoreContract


class TestJsonStores(UserStoreContract, BlockStoreContract):
    @pytest.fixture
    def users(self, tmp_path: Path) -> JsonUserStore:
        return JsonUserStore(JsonFile(tmp_path / "users.json"))

    @pytest.fixture
    def blocks(self, tmp_path: Path) -> JsonBlockStore:
        return JsonBlockStore(JsonFile(tmp_path / "blocks.json"))
