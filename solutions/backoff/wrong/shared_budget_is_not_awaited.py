"""retry calls the budget and does not await what it returns.

Incident: The fleet's budget was passed to retry. spend() returned a coroutine, which is true, so every retry was granted, and
  no deposit was ever made.
Fails: 6
Says: retry
"""


async def _answer(answer: T | Awaitable[T]) -> T:
    return answer  # type: ignore[return-value]
