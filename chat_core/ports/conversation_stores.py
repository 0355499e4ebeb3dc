"""The storage ports of conversations, together."""

from dataclasses import dataclass

from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import BlockStore, ConversationStore, LogReader, ReceiptStore


@dataclass(frozen=True, slots=True)
class ConversationStores:
    """Where conversations are kept: five ports to one backend, since one reads what another wrote.

    Accounts and sessions are not among them, and may be kept elsewhere.
    """

    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    receipts: ReceiptStore
    blocks: BlockStore
