"""Each error gets its own note when it is caught; the last one says nothing of those before.

Incident: The log of a failed job shows a timeout, and hides that it began with a refused connection.
Fails: 4, 5
Says: hides how it began
"""


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    base_s: float,
    cap_s: float,
    random: Random,
    deadline_at: float = math.inf,
    classify: Callable[[BaseException], bool] = is_transient,
    budget: Budget | None = None,
) -> T:
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}; use 1 for no retry at all")
    _check_bounds(base_s, cap_s)
    loop = asyncio.get_running_loop()
    for attempt in range(1, attempts + 1):
        try:
            result = await operation()
        except Exception as error:
            error.add_note(f"attempt {attempt}: {error!r}")
            wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=random)
            if (
                not classify(error)
                or attempt == attempts
                or loop.time() + wait_s > deadline_at
                or (budget is not None and not await _answer(budget.spend()))
            ):
                raise
        else:
            if budget is not None:
                await _answer(budget.deposit())
            return result
        # Outside the `except` block, or the next attempt's error would get this one as its context.
        await asyncio.sleep(wait_s)
    raise AssertionError("the last round returns or raises")
