"""`python -m chat_bench` is `chat-bench`."""

from chat_bench.cli import main

main()
