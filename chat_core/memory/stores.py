"""All in-memory stores of conversations."""

from chat_core.log import Log
from chat_core.memory.blocks import MemoryBlockStore
from chat_core.memory.conversations import MemoryConversations
from chat_core.memory.log_store import MemoryLogStore
from chat_core.ports.conversation_stores import ConversationStores


def memory_conversations() -> ConversationStores:
    """Return empty stores, whose data lasts as long as the process."""
    stored = MemoryConversations()
    return ConversationStores(
        conversations=stored,
        reader=stored,
        log=Log(MemoryLogStore(stored)),
        receipts=stored,
        blocks=MemoryBlockStore(),
    )
