"""The chat service: HTTP and Socket.IO around `chat_core` (extra `server`)."""
