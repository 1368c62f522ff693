"""Step 1: double it."""

from __future__ import annotations

import pytest

from exercises.__slug__ import given
from exercises.__slug__.__slug__ import doubled
from grading import explain

pytestmark = pytest.mark.step(1, "double it")


@pytest.mark.parametrize("value", given.VALUES)
def test_value_is_doubled(value: int) -> None:
    """Twice the value comes back.

    Costs: every number that is built on it is wrong.
    """
    got = doubled(value)
    assert got == 2 * value, explain(
        called=f"doubled({value})", got=got, expected=2 * value, costs=given.EVERY_NUMBER_WRONG
    )
