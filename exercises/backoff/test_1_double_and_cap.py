"""Step 1: double and cap."""

# ruff: noqa: PT018 - one message may stand for two facts

from __future__ import annotations

import math

import pytest

from exercises.backoff.backoff import ceiling_s
from exercises.backoff.given import timed
from grading import explain
from grading.checks import ask, must_refuse, text_of

pytestmark = pytest.mark.step(1, "double and cap")


@pytest.mark.parametrize(
    ("base_s", "cap_s"),
    [(0.5, 30.0), (1, 64), (0.1, 20.0), (3.0, 100.0), (2.0, 2.0), (0.001, 86_400.0), (1e-9, 1e9)],
)
def test_ceiling_doubles_from_the_base_up_to_the_cap(base_s: float, cap_s: float) -> None:
    """The ceiling is min(cap_s, base_s * 2 ** (attempt - 1))."""
    for attempt in range(1, 70):
        expected = min(cap_s, base_s * 2 ** (attempt - 1))
        call = {"base_s": base_s, "cap_s": cap_s}
        got = ask(ceiling_s, attempt, expected=repr(expected), **call)
        assert isinstance(got, (int, float)) and math.isclose(got, expected, rel_tol=1e-9), explain(
            called=text_of(ceiling_s, attempt, **call),
            got=got,
            expected=expected,
            diff=compared(got, expected, attempt, cap_s),
            costs=too_much(got, attempt, cap_s),
        )
        assert got <= cap_s, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=got,
            expected=f"at most cap_s, {cap_s}",
            costs="a caller that relies on the cap waits longer than it planned",
        )


def compared(got: object, expected: float, attempt: int, cap_s: float) -> str | None:
    """Say how far off an answer is, and that the earlier attempts were right."""
    if not isinstance(got, (int, float)):
        return f"a {type(got).__name__}, not a number"
    right = f"; attempts 1 to {attempt - 1} were right" if attempt > 1 else ""
    return f"{got / expected:.4g} times as long{', and above cap_s' if got > cap_s else ''}{right}"


def too_much(got: object, attempt: int, cap_s: float) -> str | None:
    """Say what an answer costs, where one case is enough to tell."""
    if isinstance(got, (int, float)) and got > cap_s:
        return "without a hard cap the tenth retry of a job waits for hours"
    if attempt == 1:
        return "the first retry comes at the wrong time, and the later ones are probably wrong by the same factor"
    return None


def test_huge_attempts_reach_the_cap_at_once() -> None:
    """Attempts 1, 1,000 and 10**9 each take under a millisecond and never overflow."""
    call = {"base_s": 0.1, "cap_s": 60.0}
    costs = "a job that has failed for a day kills the worker that wants to retry it"
    # Upwards, so that a way that is too slow is seen at a size where it still ends soon.
    for attempt in (1, 1_000, 1_025, 1_100, 5_000, 20_000, 10**6, 10**7, 10**9):
        expected = 0.1 if attempt == 1 else 60.0
        got, best_s = timed(ceiling_s, attempt, expected=repr(expected), costs=costs, **call)
        assert got == expected, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=got,
            expected=expected,
        )
        assert best_s < 0.001, explain(
            called=text_of(ceiling_s, attempt, **call),
            got=f"{got} after {best_s * 1000:.1f} ms (the best of 5)",
            expected=f"{expected} in under 1 ms",
            costs="one poisoned counter in a job's record keeps a worker busy for minutes, and its other jobs wait",
        )


@pytest.mark.parametrize("attempt", [0, -1, -(10**9)])
def test_attempt_below_one_is_refused(attempt: int) -> None:
    """An attempt below 1 is a ValueError."""
    must_refuse(
        ceiling_s,
        attempt,
        base_s=0.5,
        cap_s=30.0,
        why="attempts count from 1",
        costs="an off-by-one error in the caller goes unnoticed",
    )


@pytest.mark.parametrize(
    ("base_s", "cap_s", "why"),
    [
        (0, 30.0, "base_s must be above 0"),
        (-0.5, 30.0, "base_s must be above 0"),
        (-2.0, -1.0, "base_s must be above 0"),
        (math.nan, 30.0, "base_s must be finite"),
        (math.inf, math.inf, "base_s must be finite"),
        (0.5, 0.4, "cap_s must be at least base_s"),
        (0.5, 0, "cap_s must be at least base_s"),
        (0.5, -1.0, "cap_s must be at least base_s"),
        (0.5, math.nan, "cap_s must be finite"),
        (0.5, math.inf, "cap_s must be finite"),
    ],
)
def test_impossible_bounds_are_refused(base_s: float, cap_s: float, why: str) -> None:
    """base_s > 0, cap_s >= base_s, both finite; anything else is a ValueError."""
    for attempt in (1, 5):
        must_refuse(
            ceiling_s,
            attempt,
            base_s=base_s,
            cap_s=cap_s,
            why=why,
            costs="a mistyped setting becomes a retry loop without a pause, or one that never wakes",
        )
