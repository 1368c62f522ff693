"""What the small programs in the lessons of Days 137 to 140 print, and so what the text beside them claims."""

import asyncio
import contextlib
import io
import runpy
from pathlib import Path

import pytest

from solutions.simulations.retrying_client import counted_by_one_incr

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "solutions" / "examples" / "lessons"


def printed(name: str) -> list[str]:
    """Run an example and return the lines that it prints."""
    with contextlib.redirect_stdout(io.StringIO()) as output:
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return output.getvalue().splitlines()


# When to retry


def test_status_and_method_decide_together_whether_to_call_again():
    """A request is worth repeating if another attempt could differ and a second execution does no harm.

    Did: asked for GET 503, POST 429, POST 503 and PUT 422.
    Saw: yes, yes, no, no. The server has not acted on the 429; whether it has acted on the POST 503 is unknown.
    Otherwise: the status alone would decide, and both answers of 503 would be treated alike.
    """
    assert printed("worth_retrying") == ["GET 503 True", "POST 429 True", "POST 503 False", "PUT 422 False"]


def test_raise_from_keeps_the_cause_and_the_context():
    """An error remembers what it was raised from, and what was being handled.

    Did: raised RuntimeError from TimeoutError inside its `except`, and looked at the three attributes.
    Saw: the TimeoutError as cause and as context, and the context marked as suppressed.
    Otherwise: the TimeoutError would be gone, and only the text of the RuntimeError would be left.
    """
    timeout = "TimeoutError('no answer in 2 s')"
    assert printed("behind_the_error") == [f"cause:      {timeout}", f"context:    {timeout}", "suppressed: True"]


def test_attempts_multiply_through_layers():
    """Layers that retry multiply each other's attempts.

    Did: counted the requests that reach a failing dependency below one, two and three layers of four attempts each.
    Saw: 4, 16 and 64.
    Otherwise: the layers would add up to 12.
    """
    assert printed("layers") == ["4 16 64"]


def test_redis_client_retries_by_itself_unless_it_is_told_not_to():
    """A client library may be a layer that retries, and you did not write it.

    Did: called `incr` once, with redis-py's default settings, on a server that counts and loses its first reply.
    Saw: the server had counted 2.
    Otherwise: it would have counted 1, and the caller would have got an error.
    """
    assert asyncio.run(counted_by_one_incr()) == 2


# How much to retry


def test_table_of_delays_cannot_overflow_and_the_formula_does():
    """A delay that is looked up is right for every attempt; one that is computed has to be capped in time.

    Did: looked up the delays of attempts 1, 4 and 10**9, and computed min(60.0, 0.5 * 2.0 ** 1024).
    Saw: 0.5, 4 and 60 from the table; OverflowError from the formula, raised before `min` can act.
    Otherwise: capping the result would be enough.
    """
    assert printed("delay_table") == ["0.5 4 60", "OverflowError, before min() is called"]


def test_random_expiry_spreads_what_was_written_together():
    """What starts together returns together, unless chance spreads it.

    Did: let 10,000 cache entries expire after an hour, and after an hour less a random part of ten minutes.
    Saw: 10,000 in the busiest second without the random part; 29 with it (17 are the average).
    Otherwise: both would be alike.
    """
    assert printed("cache_expiry") == ["10000 29"]


def test_admitted_retries_bound_the_load_and_drain():
    """A retry that waits until recent successes admit it adds next to nothing to an outage, and loses no job.

    Did: ran 50 new jobs a minute through four minutes of outage; a probe of one, then half as many as succeeded.
    Saw: at most 51 attempts a minute while it lasts, at most 98 after it, and no job waiting five minutes later.
    Otherwise: the waiting jobs would be tried again and again, or would still be there at the end.
    """
    minutes = [line.split() for line in printed("admitted")]
    attempts = {state: [int(each[3]) for each in minutes if each[1] == state] for state in ("down", "up")}
    assert max(attempts["down"]) == 51
    assert max(attempts["up"]) == 98
    assert int(minutes[4][5]) == 200
    assert int(minutes[10][5]) == 0


# When to stop


def test_only_mark_and_effect_together_survive_a_crash():
    """A mark and its effect that are written one after the other are wrong in either order.

    Did: delivered one job twice, with a crash after the first write of the first delivery, in three orders.
    Saw: no charge when the mark came first, two when the charge came first, one when both were one write.
    Otherwise: some order of two writes would charge once.
    """
    assert printed("three_orders") == ["mark first:   0", "charge first: 2", "together:     1"]


def test_job_id_in_the_transaction_makes_the_second_delivery_harmless():
    """A unique job id in the same transaction as the effect.

    Did: charged 500 cents for the same job id twice, in SQLite.
    Saw: True, then False, and 500 cents on the account.
    Otherwise: the account would hold 1,000.
    """
    assert printed("idempotent_charge") == ["[True, False] (500,)"]


# Tests that can fail


def test_test_that_catches_its_own_verdict_passes():
    """`except Exception` around an assert swallows the assert.

    Did: ran a test of a function without a body, whose assert is inside `try … except Exception: pass`.
    Saw: it passed.
    Otherwise: the AssertionError would have left the `try`.
    """
    assert printed("swallowed_verdict") == ["1 passed"]


def test_grpc_runs_over_a_socket_in_a_temporary_folder():
    """A whole gRPC call fits into one process, without a port.

    Did: served gRPC's health service on a Unix socket in a temporary folder, and asked it over a channel.
    Saw: SERVING.
    Otherwise: the channel would not connect, or need a TCP port.
    """
    assert printed("unix_socket") == ["SERVING"]


def test_convenient_numbers_accept_a_wrong_program():
    """A test is only worth what it refuses.

    Did: tested the median of [1, 2, 3], and of [1, 2, 9], on a median, a mean and a function without a body.
    Saw: [1, 2, 3] accepts the mean as well, since both are 2; [1, 2, 9] accepts the median alone.
    Otherwise: the choice of numbers would not matter.
    """
    verdicts = [line.split()[-2:] for line in printed("trial")]
    assert verdicts[:3] == [["median", "accepted"], ["mean", "accepted"], ["nothing", "refused"]]
    assert verdicts[3:] == [["median", "accepted"], ["mean", "refused"], ["nothing", "refused"]]


def test_fake_clock_makes_an_hour_of_waiting_instant():
    """A clock that is passed in can be a fake one.

    Did: waited in steps of 30 s for something that is ready after an hour, on a clock that only sleeping moves.
    Saw: 3,600 s passed on that clock, in no time.
    Otherwise: the test would take an hour, or the hour would be cut short and something else be tested.
    """
    assert printed("fake_clock") == ["3600 s have passed, in no time"]


# Races


def test_four_of_six_orders_lose_an_update():
    """Two workers that read, then write, lose an update in most orders.

    Did: ran two workers, each of which reads a balance and then writes one more, in all six orders.
    Saw: 2 when one worker ends before the other begins; 1 in the other four.
    Otherwise: every order would end at 2.
    """
    assert printed("every_order") == ["AABB 2", "ABAB 1", "ABBA 1", "BAAB 1", "BABA 1", "BBAA 2"]


# Metrics


def test_labels_in_another_order_make_another_series():
    """A key made from labels as they come depends on who wrote the call.

    Did: counted one label set twice, with the labels in two orders, and used the printed dict as the key.
    Saw: two series of one each.
    Otherwise: one series of two.
    """
    assert printed("two_series")[0].startswith("2 series:")


def test_shallow_copy_still_shares_what_is_inside():
    """A copy of the outer dict is not a copy of what it holds.

    Did: kept an alias, a shallow and a deep copy of a dict of lists, then added a key and appended to a list.
    Saw: the alias shows both changes, the shallow copy the appended value, the deep copy neither.
    Otherwise: `dict(live)` would be as good as a deep copy.
    """
    assert printed("three_copies") == [
        "alias    {'waits_s': [0.2, 0.9], 'errors': [1.0]}",
        "shallow  {'waits_s': [0.2, 0.9]}",
        "deep     {'waits_s': [0.2]}",
    ]


def test_average_shows_neither_the_usual_call_nor_the_slow_one():
    """An average of latencies describes no call at all.

    Did: took average, median and 99th percentile of 196 calls of 10 ms and 4 calls of 2 s.
    Saw: 0.050 s, 0.010 s and 2.000 s.
    Otherwise: the average would be near one of the two kinds of call.
    """
    assert printed("averages") == ["average 0.050 s", "median  0.010 s", "p99     2.000 s"]


# Documents and recall


def test_stale_command_of_a_readme_is_found():
    """A test can read prose.

    Did: collected the `make` targets that a README names, and looked each up in the Makefile.
    Saw: the one that was renamed, by name.
    Otherwise: the list would be empty, or hold a target that exists.
    """
    assert printed("stale_commands") == ["the README says `make check`, and the Makefile has no such target"]


def test_chance_of_recall_falls_to_ninety_percent_at_the_stability():
    """The stability of a memory is the time after which nine in ten would still recall it.

    Did: evaluated the forgetting curve of FSRS-6 for a stability of 10 days.
    Saw: 100 % at once, 99 % after a day, 90 % after 10 days, 69 % after 100.
    Otherwise: 90 % would be passed at another time.
    """
    assert printed("forgetting") == [
        "after   0 days: 100%",
        "after   1 days: 99%",
        "after  10 days: 90%",
        "after  30 days: 81%",
        "after 100 days: 69%",
    ]


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_example_is_shown_on_a_page(file):
    named = f'"solutions/examples/lessons/{file.name}'
    assert any(named in page.read_text() for page in ROOT.glob("docs/**/*.md")), "no page shows this file"
