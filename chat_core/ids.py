"""Identifiers. All of them are opaque text; only the id generator knows how one is made."""

from typing import NewType

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)

ClientConversationId = NewType("ClientConversationId", str)
"""The creator's own name for a group, 1 to 64 characters, unique per creator."""

ClientMessageId = NewType("ClientMessageId", str)
"""The sender's own name for a message, 1 to 64 characters, unique per sender: a retry is safe."""
