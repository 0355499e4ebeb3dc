"""The storage ports for conversations."""

from dataclasses import dataclass

from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import BlockStore, ConversationStore, LogReader, ReceiptStore


@dataclass(frozen=True, slots=True)
class ConversationStores:
    """The storage of conversations: five ports to one backend, because they share its data.

    Accounts and sessions are separate, and may be stored elsewhere.
    """

    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    receipts: ReceiptStore
    blocks: BlockStore
