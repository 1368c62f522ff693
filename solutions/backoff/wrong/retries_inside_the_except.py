"""The next attempt is made inside the `except` block of the one before.

Incident: A bug in the second attempt has the first attempt's timeout as its context, is taken for transient, and is retried.
Fails: 4
Says: outside the `except` block
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
    return await _attempt(1, [], operation, attempts, base_s, cap_s, random, deadline_at, classify, budget)


async def _attempt(number, notes, operation, attempts, base_s, cap_s, random, deadline_at, classify, budget):
    try:
        result = await operation()
    except Exception as error:
        notes = [*notes, f"attempt {number}: {error!r}"]
        wait_s = full_jitter_s(number, base_s=base_s, cap_s=cap_s, random=random)
        if (
            not classify(error)
            or number == attempts
            or asyncio.get_running_loop().time() + wait_s > deadline_at
            or (budget is not None and not await _answer(budget.spend()))
        ):
            for note in notes:
                error.add_note(note)
            raise
        await asyncio.sleep(wait_s)
        return await _attempt(
            number + 1, notes, operation, attempts, base_s, cap_s, random, deadline_at, classify, budget
        )
    if budget is not None:
        await _answer(budget.deposit())
    return result
