"""`python -m chat_server` is `chat-server`."""

from chat_server.cli import main

main()
