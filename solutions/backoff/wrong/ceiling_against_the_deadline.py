"""The ceiling is compared with the deadline, not the wait that was drawn.

Incident: The last waits before the deadline are never taken, though most would have fitted: faults that pass reach the customer.
Fails: 4
Says: the wait that was drawn is compared
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
    notes: list[str] = []
    for attempt in range(1, attempts + 1):
        try:
            result = await operation()
        except Exception as error:
            notes.append(f"attempt {attempt}: {error!r}")
            wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=random)
            if (
                not classify(error)
                or attempt == attempts
                or loop.time() + ceiling_s(attempt, base_s=base_s, cap_s=cap_s) > deadline_at
                or (budget is not None and not await _answer(budget.spend()))
            ):
                for note in notes:
                    error.add_note(note)
                raise
        else:
            if budget is not None:
                await _answer(budget.deposit())
            return result
        # Outside the `except` block, or the next attempt's error would get this one as its context.
        await asyncio.sleep(wait_s)
    raise AssertionError("the last round returns or raises")
