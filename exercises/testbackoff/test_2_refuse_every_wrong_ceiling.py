"""Step 2: refuse every wrong ceiling."""

from __future__ import annotations

import pytest

from exercises.testbackoff.given import CEILING, MANY, WRONG_CEILINGS, Implementation, refuses

pytestmark = [pytest.mark.step(2, "refuse every wrong ceiling"), pytest.mark.processes]


@pytest.mark.parametrize("wrong", WRONG_CEILINGS, ids=MANY[: len(WRONG_CEILINGS)])
def test_wrong_ceiling_is_refused(wrong: Implementation) -> None:
    """Every wrong ceiling fails one of your tests."""
    refuses(CEILING, wrong)
