# ruff: noqa: E402 (pytest must register the suites before they are imported)
"""Test tools for adapters and products (extra `testing`: pytest, pytest-asyncio, hypothesis).

A contract suite is a class with a test for each sentence of a port's docstring. Subclass it, give
it the fixtures that it names, and run it with pytest-asyncio's `asyncio_mode = auto`. The adapter's
own tests cover what only an adapter can cause: an unreachable backend, a crash after the commit, an
overloaded hasher.

`chat_core.testing.plugin` has fixtures for a product's tests, `makers` creates users, drafts and
other objects, and `strategies` are for hypothesis.
"""

import pytest

pytest.register_assert_rewrite(
    "chat_core.testing.accounts_contract",
    "chat_core.testing.blocks_contract",
    "chat_core.testing.conversations_contract",
    "chat_core.testing.directory_contract",
    "chat_core.testing.limits_contract",
    "chat_core.testing.log_changes_contract",
    "chat_core.testing.log_contract",
    "chat_core.testing.log_fixtures",
    "chat_core.testing.log_follower_contract",
    "chat_core.testing.log_groups_contract",
    "chat_core.testing.log_messages_contract",
    "chat_core.testing.log_repeats_contract",
    "chat_core.testing.log_revisions_contract",
    "chat_core.testing.log_store_contract",
    "chat_core.testing.maintenance_contract",
    "chat_core.testing.reader_contract",
    "chat_core.testing.reader_messages_contract",
    "chat_core.testing.receipts_contract",
    "chat_core.testing.retention_contract",
    "chat_core.testing.security_contracts",
    "chat_core.testing.sessions_contract",
    "chat_core.testing.sessions_refresh_contract",
    "chat_core.testing.system_contracts",
    "chat_core.testing.users_contract",
    "chat_core.testing.users_erasure_contract",
)

from chat_core.testing.accounts_contract import AccountStoreContract
from chat_core.testing.blocks_contract import BlockStoreContract
from chat_core.testing.clock import ManualClock
from chat_core.testing.conversations_contract import ConversationStoreContract
from chat_core.testing.devices import ConnectedDevices, Device
from chat_core.testing.directory_contract import UserDirectoryContract
from chat_core.testing.ids import CountedIds
from chat_core.testing.limits_contract import RateLimiterContract
from chat_core.testing.log_contract import ConversationLogContract
from chat_core.testing.log_store_contract import LogStoreContract
from chat_core.testing.maintenance_contract import MaintenanceContract
from chat_core.testing.reader_contract import LogReaderContract
from chat_core.testing.receipts_contract import ReceiptStoreContract
from chat_core.testing.retention_contract import LogRetentionContract
from chat_core.testing.security_contracts import (
    PasswordHasherContract,
    SecurityEventsContract,
    TokenContract,
    TokenVerifierContract,
)
from chat_core.testing.sessions_contract import SessionStoreContract
from chat_core.testing.system_contracts import ClockContract, IdGeneratorContract
from chat_core.testing.users_contract import UserStoreContract

__all__ = [
    "AccountStoreContract",
    "BlockStoreContract",
    "ClockContract",
    "ConnectedDevices",
    "ConversationLogContract",
    "ConversationStoreContract",
    "CountedIds",
    "Device",
    "IdGeneratorContract",
    "LogReaderContract",
    "LogRetentionContract",
    "LogStoreContract",
    "MaintenanceContract",
    "ManualClock",
    "PasswordHasherContract",
    "RateLimiterContract",
    "ReceiptStoreContract",
    "SecurityEventsContract",
    "SessionStoreContract",
    "TokenContract",
    "TokenVerifierContract",
    "UserDirectoryContract",
    "UserStoreContract",
]
