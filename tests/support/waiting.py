"""Waiting for a condition."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60.0
"""How long a test waits for what should come at once: far longer than any busy machine needs."""


async def until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Let other tasks run until the condition holds; raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (anything may bring it about)
            await asyncio.sleep(0)


async def eventually(
    condition: Callable[[], object | Awaitable[object]], *, seconds: float = PATIENCE_SECONDS
) -> None:
    """Ask until the condition holds, where another process brings it about.

    Raises `TimeoutError`.
    """
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)


async def settle() -> None:
    """Let every task run until it waits for something that no other task brings about."""
    for _ in range(100):
        await asyncio.sleep(0)
