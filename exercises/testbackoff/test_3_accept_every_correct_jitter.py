"""Step 3: accept every correct jitter."""

from __future__ import annotations

import pytest

from exercises.testbackoff.given import JITTER, MANY, RIGHT, Implementation, accepts, looks

pytestmark = [pytest.mark.step(3, "accept every correct jitter"), pytest.mark.processes]


@pytest.mark.parametrize("right", RIGHT, ids=MANY[: len(RIGHT)])
def test_correct_jitter_is_accepted(right: Implementation) -> None:
    """Every correct jitter passes your tests."""
    accepts(JITTER, right)


def test_jitter_tests_can_fail() -> None:
    """Your tests of the jitter refuse a function that does nothing."""
    looks(JITTER)
