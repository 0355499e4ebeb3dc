"""The stores of conversations in memory, together."""

from chat_core.log import Log
from chat_core.memory.blocks import MemoryBlockStore
from chat_core.memory.conversations import MemoryConversations
from chat_core.memory.log_store import MemoryLogStore
from chat_core.ports.conversation_stores import ConversationStores


def memory_conversations() -> ConversationStores:
    """Empty stores; what gets into them is gone when the process is."""
    stored = MemoryConversations()
    return ConversationStores(
        conversations=stored,
        reader=stored,
        log=Log(MemoryLogStore(stored)),
        receipts=stored,
        blocks=MemoryBlockStore(),
    )
