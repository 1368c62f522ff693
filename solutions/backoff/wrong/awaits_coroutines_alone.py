"""retry awaits a budget's answer if it is a coroutine, and takes every other object for the answer.

Incident: The budget of another library returned futures. A future is true, so every retry was granted.
Fails: 6
Says: future
"""


async def _answer(answer: T | Awaitable[T]) -> T:
    return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[return-value]
