"""Step 4: refuse every wrong jitter."""

from __future__ import annotations

import pytest

from exercises.testbackoff.given import JITTER, MANY, WRONG_JITTERS, Implementation, refuses

pytestmark = [pytest.mark.step(4, "refuse every wrong jitter"), pytest.mark.processes]


@pytest.mark.parametrize("wrong", WRONG_JITTERS, ids=MANY[: len(WRONG_JITTERS)])
def test_wrong_jitter_is_refused(wrong: Implementation) -> None:
    """Every wrong jitter fails one of your tests."""
    refuses(JITTER, wrong)
