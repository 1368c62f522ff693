"""Step 1: accept every correct ceiling."""

from __future__ import annotations

import pytest

from exercises.testbackoff.given import CEILING, MANY, RIGHT, Implementation, accepts, looks

pytestmark = [pytest.mark.step(1, "accept every correct ceiling"), pytest.mark.processes]


@pytest.mark.parametrize("right", RIGHT, ids=MANY[: len(RIGHT)])
def test_correct_ceiling_is_accepted(right: Implementation) -> None:
    """Every correct ceiling passes your tests."""
    accepts(CEILING, right)


def test_ceiling_tests_can_fail() -> None:
    """Your tests of the ceiling refuse a function that does nothing."""
    looks(CEILING)
