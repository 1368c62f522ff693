"""The page of interfaces says what the code says."""

from tests.jobqueue.reference import BETWEEN, PAGE, calls, log_events, metrics, reference


def test_the_page_of_interfaces_is_made_from_the_code():
    on_the_page = BETWEEN.search(PAGE.read_text("utf-8"))
    assert on_the_page is not None
    assert on_the_page[0] == reference(), "run `python -m tests.jobqueue.reference`"


def test_every_call_has_its_description_and_what_the_code_logs_and_measures_is_found():
    assert len(list(calls())) == 9
    assert all(what for _, _, what in calls())
    assert {"working", "drained", "leases lost"} <= {event for event, _, _ in log_events()}
    assert "`retries_waiting`" in {name for name, *_ in metrics()}
