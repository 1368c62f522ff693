"""The jitter is asked to refuse bad attempts, and no bad setting.

Incident: A base of zero gets past the jitter, and every retry of the outage comes at once.
Fails: 4
Says: a wait of 0
"""


@pytest.mark.parametrize(("attempt", "base_s", "cap_s"), BAD[:2])
def test_jitter_refuses_what_the_ceiling_refuses(attempt: int, base_s: float, cap_s: float) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what the message says is the implementation's affair
        full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, random=Random(1))
