"""The stores of conversations in memory, together."""

from chat_core.memory.blocks import MemoryBlockStore
from chat_core.memory.conversations import MemoryConversations
from chat_core.memory.log import MemoryConversationLog
from chat_core.ports.conversation_stores import ConversationStores


def memory_conversations() -> ConversationStores:
    """Empty stores; what gets into them is gone when the process is."""
    stored = MemoryConversations()
    return ConversationStores(
        conversations=stored,
        reader=stored,
        log=MemoryConversationLog(stored),
        receipts=stored,
        blocks=MemoryBlockStore(),
    )
