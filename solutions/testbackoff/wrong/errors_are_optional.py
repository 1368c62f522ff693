"""The error of the jitter is allowed and not asked for.

Incident: The jitter takes every setting; a mistyped one becomes a loop without a pause.
Fails: 4
Says: wait of `nan`
"""

import contextlib


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD)
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    with contextlib.suppress(ValueError):
        full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=Random(1))
