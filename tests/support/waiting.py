"""Waiting for a condition."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Let other tasks run until the condition holds; raises `TimeoutError`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (anything may bring it about)
            await asyncio.sleep(0)


async def settle() -> None:
    """Let every task run until it waits for something that no other task brings about."""
    for _ in range(100):
        await asyncio.sleep(0)
