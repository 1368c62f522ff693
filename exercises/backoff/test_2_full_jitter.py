"""Step 2: full jitter."""

# ruff: noqa: PT018 - one message may stand for two facts

from __future__ import annotations

import math
import random as global_random
from random import Random

import pytest

from exercises.backoff.backoff import full_jitter_s
from exercises.backoff.given import timed, uniform_fault
from grading import explain
from grading.checks import ask, must_refuse

pytestmark = pytest.mark.step(2, "full jitter")


DRAWS = 4_000
# Five checks of a distribution, each with these three bounds: 5 * (1e-10 + 2 * 5e-11) = 1e-9 in all.
GAP = math.sqrt(math.log(2 / 1e-10) / (2 * DRAWS))
EDGE = 1 - (5e-11) ** (1 / DRAWS)


@pytest.mark.parametrize(
    ("attempt", "base_s", "ceiling"),
    # The first has base, half the ceiling and ceiling apart, so that likely mistakes look different.
    [(4, 1.0, 8.0), (1, 1.0, 1.0), (2, 1.0, 2.0), (5_000, 1.0, 60.0), (3, 0.0001, 0.0004)],
)
def test_waits_are_uniform_between_zero_and_the_ceiling(attempt: int, base_s: float, ceiling: float) -> None:
    """A wait is uniform on [0, ceiling], below a millisecond too."""
    source = Random(20_150_304 + attempt)
    call = {"base_s": base_s, "cap_s": 60.0, "random": source}
    expected = f"waits from 0 s to {ceiling:g} s, the ceiling, spread evenly"
    costs = "clients that failed together come back together, and the dependency falls over again"
    draws = [ask(full_jitter_s, attempt, expected=expected, **call) for _ in range(DRAWS)]
    got = uniform_fault(draws, ceiling, GAP, EDGE)
    assert got is None, explain(
        called=f"full_jitter_s({attempt}, base_s={base_s}, cap_s=60.0, random=Random(…))",
        got=got,
        expected=expected,
        costs=costs,
    )


def test_a_huge_attempt_has_its_wait_at_once() -> None:
    """The wait of attempt 10**9 is drawn as fast as any other."""
    expected = "a wait from 0 to 60.0 s"
    costs = "one poisoned counter in a job's record keeps a worker busy for minutes, and its other jobs wait"
    # Upwards, for the same reason as in step 1.
    for attempt in (1_000, 10**6, 10**7, 10**9):
        call = {"base_s": 1.0, "cap_s": 60.0, "random": Random(attempt)}
        got, best_s = timed(full_jitter_s, attempt, expected=expected, **call)
        called = f"full_jitter_s({attempt}, base_s=1.0, cap_s=60.0, random=Random(…))"
        assert isinstance(got, (int, float)) and 0 <= got <= 60.0, explain(called=called, got=got, expected=expected)
        assert best_s < 0.001, explain(
            called=called,
            got=f"{got} after {best_s * 1000:.1f} ms (the best of 5)",
            expected=f"{expected}, in under 1 ms",
            costs=costs,
        )


def test_waits_come_from_the_given_source_alone() -> None:
    """The same seed gives the same waits, another seed other waits, and the module's own source is left alone."""

    def waits_of(seed: int) -> list[float]:
        source = Random(seed)
        named = {"base_s": 1.0, "cap_s": 60.0, "random": source}
        return [ask(full_jitter_s, attempt, expected="a wait", **named) for attempt in range(1, 20)]

    called = "full_jitter_s(attempt, base_s=1.0, cap_s=60.0, random=Random(seed)) for attempts 1 to 19"
    costs = "a failure cannot be replayed, and forked workers, which copy the module's source, retry in step"
    before = global_random.getstate()
    first, second, other = waits_of(7), waits_of(7), waits_of(8)
    after = global_random.getstate()
    assert first == second, explain(
        called=called + ", twice with seed 7",
        got="two different lists of waits",
        expected="the same waits: draw from `random`, the argument, and from nothing else",
        costs=costs,
    )
    assert first != other, explain(
        called=called + ", with seeds 7 and 8",
        got="the same waits from both",
        expected="other waits: draw from `random`, the argument",
        costs="a hundred workers, each with a seed of its own, wait equally long and come back in step",
    )
    assert before == after, explain(
        called=called,
        got="draws from the random module's own source",
        expected="draws from `random`, the argument, alone",
        costs=costs,
    )


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), [(0, 0.5, 30.0), (1, 0.0, 30.0), (1, 0.5, 0.4)])
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    """full_jitter_s raises ValueError where ceiling_s does."""
    must_refuse(
        full_jitter_s,
        attempt,
        base_s=base_s,
        cap_s=cap_s,
        random=Random(1),
        why="as for ceiling_s",
        costs="a mistyped setting becomes a retry loop without a pause",
    )
