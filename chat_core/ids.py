"""Identifiers. All of them are opaque text. Only the id generator knows how to create one."""

from typing import NewType

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)

ClientConversationId = NewType("ClientConversationId", str)
"""A creator's own id for a group, 1 to 64 characters, unique per creator."""

ClientMessageId = NewType("ClientMessageId", str)
"""A sender's own id for a message, 1 to 64 characters, unique per sender. It makes a retry safe."""
