"""The loop has no limit of attempts: it ends by success or not at all.

Incident: A dependency that is down for an hour is asked for an hour by every job that ever needed it.
Fails: 4, 5
Says: and still going
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
    for attempt in range(1, 10**9):
        try:
            result = await operation()
        except Exception as error:
            notes.append(f"attempt {attempt}: {error!r}")
            wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=random)
            if (
                not classify(error)
                or loop.time() + wait_s > deadline_at
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
