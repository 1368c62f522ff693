"""How many retries may run, as arithmetic: earnings, probes, and catching up after an outage."""

import math

import pytest

from jobqueue.domain.admission import CUT, SAVED, AdmissionPolicy, Allowance, Attempts

POLICY = AdmissionPolicy(ratio=0.2, probe_every_s=10.0)
T0 = 1_700_000_000.0


def admitted(last, counted, due=1000, *, now=T0, policy=POLICY):
    return policy.admit(last, Attempts(*counted), due, now=now)[0]


def allowance(**fields):
    return Allowance(**{"at": T0, "counted": Attempts(0, 0), "saved": 0.0, **fields})


def test_a_type_begins_with_a_few_retries_saved_up():
    count, after = POLICY.admit(None, Attempts(9, 1), 1000, now=T0)
    assert (count, after) == (int(SAVED), Allowance(T0, Attempts(9, 1), saved=0.0))


def test_no_more_is_admitted_than_is_due():
    count, after = POLICY.admit(None, Attempts(0, 1), 1, now=T0)
    assert (count, after.saved) == (1, SAVED - 1)


def test_five_successes_pay_for_a_retry():
    assert admitted(allowance(refused=0.5), (4, 20), now=T0 + 1.0) == 0
    assert admitted(allowance(refused=0.5), (5, 20), now=T0 + 1.0) == 1
    assert admitted(allowance(refused=0.5), (10, 20), now=T0 + 1.0) == 2


def test_without_a_success_one_retry_runs_every_probe_interval():
    current, when = allowance(refused=1.0), []
    for tick in range(600):
        count, after = POLICY.admit(current, Attempts(0, tick), 1000, now=T0 + tick * 0.1)
        if count:
            when.append((tick, count))
            current = after
    assert when == [(100, 1), (200, 1), (300, 1), (400, 1), (500, 1)]


def test_a_probe_does_not_run_where_retries_are_paid_for():
    assert admitted(allowance(refused=0.5), (10, 90), now=T0 + 60.0) == 2


def test_what_is_saved_up_is_bounded_by_a_seconds_income():
    count, after = POLICY.admit(allowance(refused=1.0), Attempts(600, 400), 10_000, now=T0 + 10.0)
    assert count == math.floor(0.2 * after.pace)
    assert 10 <= count < 12


def test_catching_up_grows_while_next_to_nothing_fails_and_shrinks_with_failures():
    current = allowance(pace=50.0)
    for second in range(1, 21):
        current = POLICY.admit(current, Attempts(50 * second, 0), 1000, now=T0 + second)[1]
    assert 45.0 <= current.catch_up <= 50.0
    one = POLICY.admit(current, Attempts(1000, 1), 1000, now=T0 + 20.0)[1]
    assert one.catch_up == pytest.approx(current.catch_up * (1 - CUT) ** (20 / (2 * current.pace)))
    assert POLICY.admit(current, Attempts(1000, 100), 1000, now=T0 + 21.0)[1].catch_up < 0.1


def test_catching_up_is_at_most_twice_the_pace_of_successes():
    current = allowance(pace=1.0, catch_up=500.0)
    after = POLICY.admit(current, Attempts(10, 0), 1000, now=T0 + 5.0)[1]
    assert after.catch_up == pytest.approx(2 * after.pace)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.1667, 0.2, 0.3, 0.5, 0.8, 1.0])
def test_whatever_share_fails_for_however_long_retries_add_at_most_a_quarter(share):
    """The load of a failing dependency is bounded whatever share of its calls fail.

    Did: let that share of 50 calls a second fail for an hour, retries included, and admitted what the policy allows.
    Saw: at most 1.25 calls for each new job.
    Otherwise: where a fifth or half of the calls fail, retries of retries would pile up.
    """
    current, waiting, calls, jobs, succeeded, failed = None, 0.0, 0.0, 0.0, 0.0, 0.0
    for tick in range(1, 3600 * 5):
        now = T0 + tick * 0.2
        count, after = POLICY.admit(current, Attempts(int(succeeded), int(failed)), int(waiting), now=now)
        current = after if count else current
        made = 10.0 + count
        jobs, calls = jobs + 10.0, calls + made
        succeeded, failed = succeeded + made * (1 - share), failed + made * share
        waiting += made * share - count
    assert calls / jobs <= 1.25
    assert share > 0.17 or waiting < 50.0, "what can be borne is retried at once"


def test_clocks_that_differ_do_no_harm():
    current = allowance(at=T0 + 5.0, saved=1.0)
    count, after = POLICY.admit(current, Attempts(0, 0), 5, now=T0)
    assert (count, after.at) == (1, T0 + 5.0)


def test_counts_that_went_back_do_no_harm():
    count, after = POLICY.admit(allowance(counted=Attempts(100, 100), saved=1.5), Attempts(1, 1), 5, now=T0 + 1.0)
    assert (count, after.counted) == (1, Attempts(1, 1))


def test_a_policy_refuses_numbers_out_of_bounds():
    with pytest.raises(ValueError, match=r"ratio must be at least 0, got -0\.1"):
        AdmissionPolicy(ratio=-0.1)
    with pytest.raises(ValueError, match="probe_every_s must be above 0 and finite, got 0"):
        AdmissionPolicy(probe_every_s=0.0)
