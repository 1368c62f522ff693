"""What cards on tests of one's own predict: which tests refuse what is right, and which accept what is wrong."""

import math
import statistics
import types
from random import Random

import pytest

from grading.examine import in_place_of
from solutions.backoff import backoff as right
from solutions.testbackoff.implementations.right import by_logarithms
from tests.course.lessons.wrong_programs import wrong

REFERENCE = "solutions/backoff/backoff.py"
SUBJECT = "exercises.backoff.backoff"

accepts_nan = wrong("solutions/backoff/wrong/accepts_nan.py")
overshoots_the_cap = wrong("solutions/testbackoff/implementations/wrong/overshoots_the_cap.py", REFERENCE)
three_sizes = wrong("solutions/testbackoff/implementations/wrong/three_sizes.py", REFERENCE)


def test_equality_of_floats_refuses_a_correct_ceiling():
    """A test may ask for as many digits as were promised, and for no more.

    Did: compared 40 ceilings by logarithms with `base_s * 2 ** (attempt - 1)`, by `==` and to a relative 1e-9.
    Saw: some of them differ by `==`; none differs to 1e-9.
    Otherwise: `==` would accept every correct ceiling, and a tolerance would be of no use.
    """
    differs = 0
    for attempt in range(1, 41):
        got = by_logarithms.ceiling_s(attempt, base_s=0.3, cap_s=1e12)
        wanted = 0.3 * 2 ** (attempt - 1)
        assert got == pytest.approx(wanted, rel=1e-9)
        differs += got != wanted
    assert differs > 0


def test_suite_that_catches_its_own_verdict_accepts_a_function_without_a_body():
    """A suite that cannot fail refuses nothing.

    Did: put two tests of the first ceilings, one inside `try … except Exception: pass`, to functions that return None.
    Saw: the one inside the `try` passes, the other fails.
    Otherwise: an AssertionError would get past `except Exception`.
    """
    empty = types.ModuleType(SUBJECT)
    empty.ceiling_s = empty.full_jitter_s = lambda *_args, **_settings: None

    with in_place_of(SUBJECT, empty):
        caught = wrong("solutions/testbackoff/wrong/catches_too_much.py").test_ceiling_of_the_first_attempts
        honest = wrong("solutions/testbackoff/wrong/exact_floats.py").test_ceiling_of_the_first_attempts
    caught()
    with pytest.raises(AssertionError):
        honest(0.5, 30.0)


def test_cap_a_power_of_two_away_hides_a_doubling_that_overshoots():
    """Numbers that fit by chance hide a mistake.

    Did: listed the ceilings of a doubling that stops at the cap and never applies it, for three pairs of base and cap.
    Saw: with (1, 64) and (0.5, 32) every ceiling is right; with (3, 100) the last is 192.
    Otherwise: any pair would show the mistake.
    """

    def ceilings(module, base_s, cap_s):
        return [module.ceiling_s(attempt, base_s=base_s, cap_s=cap_s) for attempt in range(1, 20)]

    for base_s, cap_s in ((1.0, 64.0), (0.5, 32.0)):
        assert ceilings(overshoots_the_cap, base_s, cap_s) == ceilings(right, base_s, cap_s)
    assert ceilings(overshoots_the_cap, 3.0, 100.0)[-1] == 192.0
    assert ceilings(right, 3.0, 100.0)[-1] == 100.0


@pytest.mark.parametrize(("base_s", "cap_s"), [(math.nan, 30.0), (0.5, math.nan)])
def test_nan_gets_past_a_check_of_what_is_bad(base_s, cap_s):
    """Every comparison with `nan` is false, so a check of what is bad lets it through.

    Did: asked for a ceiling with a base or a cap of `nan`, where settings are compared with what is bad.
    Saw: an answer, where a base of 0 and one of -1 are refused; our own, which negates what must hold, refuses all.
    Otherwise: the check would refuse `nan` as it refuses 0.
    """
    accepts_nan.ceiling_s(1, base_s=base_s, cap_s=cap_s)
    for bad in ((0.0, 30.0), (-1.0, 30.0)):
        with pytest.raises(ValueError, match="base_s"):
            accepts_nan.ceiling_s(1, base_s=bad[0], cap_s=bad[1])
    with pytest.raises(ValueError, match="finite"):
        right.ceiling_s(1, base_s=base_s, cap_s=cap_s)


FEW, MANY = 100, 4_000


def mean(count, seed):
    """Return the mean of so many waits with a ceiling of 1 s."""
    source = Random(seed)
    return statistics.fmean(right.full_jitter_s(1, base_s=1.0, cap_s=60.0, random=source) for _ in range(count))


def test_mean_of_few_waits_misses_the_middle_now_and_then():
    """A test of chance without a seed fails now and then, whatever it tests.

    Did: took the mean of 100 waits of a correct full jitter under 2,000 seeds, and that of 4,000 waits under 20.
    Saw: more than 5 % of the ceiling from the middle under 7 to 10 % of the seeds; with 4,000 waits never above 3 %.
    Otherwise: a bound that looks generous would hold under every seed.
    """
    missed = sum(abs(mean(FEW, seed) - 0.5) > 0.05 for seed in range(2_000))
    assert 0.07 < missed / 2_000 < 0.10
    assert max(abs(mean(MANY, seed) - 0.5) for seed in range(20)) < 0.03


def test_range_and_mean_accept_a_jitter_of_three_sizes():
    """Range and mean are right for waits that spread no client out; the distribution is not.

    Did: drew 4,000 waits that are none, half or all of the ceiling, and 4,000 of full jitter (seed 7).
    Saw: range and mean right for both; the largest gap to the uniform distribution above 0.3 and below 0.03.
    Otherwise: range or mean would tell the two apart.
    """

    def drawn(module):
        source = Random(7)
        return sorted(module.full_jitter_s(1, base_s=1.0, cap_s=60.0, random=source) for _ in range(MANY))

    def gap(waits):
        return max(abs(wait_s - rank / MANY) for rank, wait_s in enumerate(waits))

    for waits in (drawn(three_sizes), drawn(right)):
        assert 0 <= waits[0] <= waits[-1] <= 1
        assert abs(statistics.fmean(waits) - 0.5) < 0.03
    assert gap(drawn(three_sizes)) > 0.3
    assert gap(drawn(right)) < 0.03
