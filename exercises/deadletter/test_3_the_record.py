"""Step 3: the record."""

# ruff: noqa: TRY301 - errors are raised to see what becomes of them

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from exercises.deadletter.deadletter import UndecodableError, decode, error_chain, fail
from exercises.deadletter.given import (
    DEAD,
    SCHEDULED,
    W1,
    W2,
    LedgerError,
    abbreviated,
    apart,
    entry_of,
    failing,
    in_places,
    in_words,
    job_of,
    shown,
    shown_fail,
    stored,
    whereabouts,
)
from grading import explain

pytestmark = pytest.mark.step(3, "the record")


FIELDS = ["id", "payload", "submitted_at_s", "attempts", "errors"]


def caught(deed: Callable[[], None]) -> BaseException:
    """Run a deed that raises, and return the error with the causes that Python gave it."""
    try:
        deed()
    except Exception as error:  # noqa: BLE001 - any error is what it is about
        return error
    raise AssertionError("the deed did not raise")


def raised_from() -> None:
    try:
        raise KeyError("account-7")
    except KeyError:
        try:
            raise OSError("link down")
        except OSError as error:
            raise LedgerError("no ledger") from error


def raised_while_handling() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger")  # noqa: B904 - the context is what it is about


def raised_from_none() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger") from None


def raised_from_another() -> None:
    try:
        raise OSError("link down")
    except OSError:
        raise LedgerError("no ledger") from TimeoutError("2 s")


class NoFaultsError(Exception):
    """An error that holds a list of faults, here none, and so is false."""

    def __len__(self) -> int:
        return 0


class AlikeError(Exception):
    """An error that is equal to every other of its type."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AlikeError)

    __hash__ = Exception.__hash__


class Ledger:
    class Closed(Exception):  # noqa: N818 - that it is nested is what it is about
        """An error whose class is named inside another."""


def raised_from_a_false_error() -> None:
    raise LedgerError("no ledger") from NoFaultsError("unknown")


def raised_from_an_equal_error() -> None:
    raise AlikeError("second") from AlikeError("first")


def raised_when_the_time_was_up() -> None:
    raise TimeoutError("no answer in 2 s") from asyncio.CancelledError("deadline")  # as asyncio.timeout does


def raised_with_a_long_text() -> None:
    raise LedgerError("line 1\n" + "balance " * 1_000)


def raised_by_a_nested_class() -> None:
    raise Ledger.Closed("at night")


def raised_through_thirty_layers() -> None:
    error: Exception = OSError("link down")
    for layer in range(30):
        outer = LedgerError(f"layer {layer}")
        outer.__cause__ = error
        error = outer
    raise error


class RoundError(Exception):
    """An error that notices an endless walk before the memory is full."""

    asked = 0

    def __str__(self) -> str:
        self.asked += 1
        assert self.asked < 50, explain(
            called="error_chain(the error that raised_in_a_circle() raises)",
            got="an endless list: it goes round and round",
            expected="the list ends at an error that is in it already",
            costs="one odd error fills a worker's memory, and every job that it was running dies with it",
        )
        return "round"


def raised_in_a_circle() -> None:
    first, second = RoundError(), OSError("link down")
    first.__cause__, second.__cause__ = second, first
    raise first


def shortened(chain: Any) -> str:
    """Write a chain down: of many links the two ends, of a long message its ends and how long it is."""
    if not isinstance(chain, list) or not all(isinstance(link, dict) for link in chain):
        return repr(chain)
    links = [
        {
            name: f"{text[:20]}…{text[-20:]} ({len(text)} characters)"
            if isinstance(text, str) and len(text) > 99
            else text
            for name, text in link.items()
        }
        for link in chain
    ]
    return abbreviated(links)


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (raised_from, ["LedgerError: no ledger", "OSError: link down", "KeyError: 'account-7'"]),
        (raised_while_handling, ["LedgerError: no ledger", "OSError: link down"]),
        (raised_from_none, ["LedgerError: no ledger"]),
        (raised_from_another, ["LedgerError: no ledger", "TimeoutError: 2 s"]),
        (raised_in_a_circle, ["RoundError: round", "OSError: link down"]),
        (raised_from_a_false_error, ["LedgerError: no ledger", "NoFaultsError: unknown"]),
        (raised_from_an_equal_error, ["AlikeError: second", "AlikeError: first"]),
        (raised_when_the_time_was_up, ["TimeoutError: no answer in 2 s", "CancelledError: deadline"]),
        (raised_with_a_long_text, ["LedgerError: line 1\n" + "balance " * 1_000]),
        (raised_by_a_nested_class, ["Closed: at night"]),
        (
            raised_through_thirty_layers,
            [*(f"LedgerError: layer {layer}" for layer in reversed(range(30))), "OSError: link down"],
        ),
    ],
    ids=[
        "raise from",
        "raise in except",
        "raise from None",
        "cause before context",
        "circle",
        "cause is false",
        "cause is equal",
        "cause is a cancellation",
        "long text",
        "nested class",
        "thirty layers",
    ],
)
def test_error_chain_holds_every_cause_outermost_first(deed, expected):
    """error_chain follows __cause__, else __context__ unless suppressed, and ends at an error that it met before."""
    got = error_chain(caught(deed))
    wanted = [dict(zip(("type", "message"), link.split(": ", 1), strict=True)) for link in expected]
    shows = {"got": shortened(got), "expected": shortened(wanted)}
    assert got == wanted, explain(
        called=f"error_chain(the error that {deed.__name__}() raises)",
        **shows,
        costs="the record says that something failed, and not why"
        if isinstance(got, list) and len(got) < len(wanted)
        else None,
    )


def test_decode_returns_every_field():
    """decode returns the whole object, unknown fields and a null payload included, however it is spaced."""
    for job in (
        job_of("job-1", 2),
        job_of("job-1", payload=None),
        job_of("j", submitted_at_s=3),
        job_of("j", submitted_at_s=0),
        job_of("j", payload=0),
        job_of(" "),
    ):
        entry = json.dumps(job, ensure_ascii=False, separators=(" ,", " : ")).encode()
        try:
            got = decode(entry)
        except UndecodableError as error:
            got = error
        shows = apart(got, job) if isinstance(got, dict) else {"got": got, "expected": job}
        assert got == job, explain(
            called=f"decode({entry!r})",
            **shows,
            costs="a job from a producer in another language is buried"
            if isinstance(got, Exception)
            else "a job loses what was sent along with it",
        )


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in job_of("job-1").items() if key != name}).encode()


def odd(**fields: Any) -> bytes:
    """Return a short entry with odd fields."""
    job = {"id": "x", "payload": 1, "submitted_at_s": 1, "attempts": 0, "errors": []}
    return json.dumps(job | fields).encode()


NO_JOBS = [
    (b"", "it is not JSON"),
    (b"job-1", "it is not JSON"),
    (b'{"id": "job-1", "payload": ', "it is not JSON"),
    (b"\xff\xfe\x00", "it is not UTF-8"),
    (b'{"id": "job-\xe9", "payload": 1, "submitted_at_s": 1, "attempts": 0, "errors": []}', "it is not UTF-8"),
    (b"null", "it is not an object"),
    (b'["id", "payload", "submitted_at_s", "attempts", "errors"]', "it is not an object"),
    (b'"id payload submitted_at_s attempts errors"', "it is not an object"),
    (b"7", "it is not an object"),
    *((without(name), f"it has no `{name}`") for name in FIELDS),
    (odd(id=""), "`id` is empty"),
    *((odd(id=value), "`id` is not a string") for value in (7, None, ["x"])),
    (odd(attempts=-1), "`attempts` is negative"),
    *((odd(attempts=value), "`attempts` is not an int") for value in (True, 1.0, "1", None)),
    *((odd(errors=value), "`errors` is not a list") for value in ({}, None, "", 0)),
    *((odd(submitted_at_s=value), "`submitted_at_s` is not an int or float") for value in ("yesterday", "1.5", None)),
    (odd().decode().encode("utf-16"), "it is not UTF-8"),
    (b"[" * 5_000, "it is nested too deep for `json.loads`"),
    (odd(payload=0).replace(b'"payload": 0', b'"payload": ' + b"9" * 5_000), "its number is too long for `json.loads`"),
]


def test_decode_refuses_what_is_no_job():
    """decode raises UndecodableError for bytes that are no job, and no other error."""
    for entry, why in NO_JOBS:
        try:
            got: Any = decode(entry)
        except NotImplementedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever comes is compared
            got = error
        costs = (
            "a worker dies of the odd entry, the next one takes it and dies too: one bad message stops the fleet"
            if isinstance(got, Exception)
            else "what is no job reaches the handler, or the counting of attempts, and fails there without a word why"
        )
        assert isinstance(got, UndecodableError), explain(
            called=f"decode({entry!r:.160}" + (")" if len(repr(entry)) <= 160 else f"…), {len(entry):,} bytes"),
            got=got if isinstance(got, Exception) else f"{got!r:.160}",
            expected=f"UndecodableError: {why}",
            costs=costs,
        )


async def test_record_keeps_what_was_there_and_adds_the_failure(network):
    """The new entry keeps every field and every earlier error, and gets this failure; a dead record says when."""
    error = caught(raised_from)
    for max_attempts in (4, 3):
        trial = await network.fresh()
        raw = trial.raw()
        # Re-driven once: more errors than attempts.
        extra = {"redriven": [{"at_s": 1.0}], "raw_hex": "00", "errors": job_of("job-1", 5)["errors"]}
        entry = entry_of("job-1", 2, **extra)
        await raw.rpush(W1, entry)
        await fail(trial.redis, "w1", entry, error, now_s=1000.5, delay_s=2.0, max_attempts=max_attempts)
        called = (
            f'fail("w1", entry, LedgerError from OSError, now_s=1000.5, …, max_attempts={max_attempts}), attempts 2'
        )
        chain = [
            {"type": "LedgerError", "message": "no ledger"},
            {"type": "OSError", "message": "link down"},
            {"type": "KeyError", "message": "'account-7'"},
        ]
        before = job_of("job-1", 2, **extra)
        failure = {"attempt": 3, "at_s": 1000.5, "worker": "w1", "chain": chain}
        expected = {**before, "attempts": 3, "errors": [*before["errors"], failure]}
        if max_attempts == 3:
            expected["dead_at_s"] = 1000.5
        key = DEAD if max_attempts == 3 else SCHEDULED
        entries = (await stored(raw)).get(key, [])
        got: Any = json.loads(entries[0]) if len(entries) == 1 else None
        if got is None:
            shows = {"got": in_words(await whereabouts(raw), "job-1"), "expected": f"job-1 is in {key}"}
        else:
            shows = apart(got, expected)
        assert got == expected, explain(
            called=called,
            **shows,
            costs="what is not in the record is gone: nobody can see later what was tried and why it failed",
        )
        await trial.close()


async def test_entry_that_is_no_job_is_buried_at_once(network):
    """fail buries an entry that decode refuses whatever max_attempts is, with its bytes, and only if it is held."""
    for entry in (b"\xff\xfe\x00", b"", b"[1, 2]", without("attempts")):
        trial = await network.fresh()
        raw = trial.raw()
        await raw.rpush(W1, entry, entry_of("job-1"), entry)
        await raw.rpush(W2, b"elsewhere")
        got = [await failing(trial.redis, entry, max_attempts=10), await failing(trial.redis, b"elsewhere")]
        called = f'fail("w1", {entry!r}, …, max_attempts=10); w1 holds this twice, and job-1'
        where = await stored(raw)
        failure = {
            "attempt": 1,
            "at_s": 1000.5,
            "worker": "w1",
            "chain": [{"type": "RuntimeError", "message": "points service answered 503"}],
        }
        expected = {
            "id": None,
            "payload": None,
            "submitted_at_s": None,
            "attempts": 1,
            "errors": [failure],
            "dead_at_s": 1000.5,
            "raw_hex": entry.hex(),
        }
        records = where.get(DEAD, [])
        assert len(records) == 1, explain(
            called=called,
            got=f"{len(records)} records in DEAD; {in_places(where)}",
            expected="one record in DEAD",
            costs="an entry that no worker can read is retried for ever"
            if SCHEDULED in where
            else "an entry that no worker can read is lost, and with it the way to find its sender",
        )
        found = json.loads(records[0])
        assert found == expected, explain(
            called=called,
            **apart(found, expected),
            costs="nobody can find out who sent what no worker could read, and what it was",
        )
        assert sorted(where.get(W1, [])) == sorted([entry, entry_of("job-1")]), explain(
            called=called,
            got=f"w1 holds {', '.join(map(shown, where.get(W1, []))) or 'nothing'}",
            expected="the second of the two equal entries, and job-1, are still held",
            costs="two entries leave, one record arrives: the other entry is lost",
        )
        assert got == ["dead", "gone"], explain(
            called=f"{called}; then for an entry that w2 holds",
            got=got,
            expected=["dead", "gone"],
            costs="the caller waits for a retry that never comes",
        )
        await trial.close()


# --- Corner cases ----------------------------------------------------------------------------------------------------


async def test_long_history_is_kept(network):
    """An entry that has failed a hundred times, with re-drives, keeps what is said about each of them."""
    errors = job_of("job-1", 120)["errors"]
    for max_attempts in (4, 3):
        trial = await network.fresh()
        raw = trial.raw()
        entry = entry_of("job-1", 2, errors=errors)
        await raw.rpush(W1, entry)
        await failing(trial.redis, entry, max_attempts=max_attempts)
        entries = [one for key, held in (await stored(raw)).items() if key != W1 for one in held]
        found = [json.loads(one)["errors"] for one in entries]
        got = [history[:-1] for history in found]
        assert got == [errors], explain(
            called=f"{shown_fail(max_attempts=max_attempts)}; the entry has 120 errors and attempts 2",
            got=f"the new entry has {' and '.join(str(len(history)) for history in found) or 'no'} errors",
            expected="the new entry has 121 errors: the 120 as they were, and this one",
            costs="the first failure, which says how it began, is the one that was dropped",
        )
        await trial.close()


async def test_text_that_utf_8_cannot_hold_does_not_stop_the_record(redis, network):
    """A file name that was no UTF-8 has lone surrogates in it, and stands in an error's text all the same."""
    raw = network.raw()
    entry = entry_of("job-1")
    await raw.rpush(W1, entry)
    error = OSError("no such file: r\udce9sum\udce9.pdf")
    try:
        got: Any = await fail(redis, "w1", entry, error, now_s=1000.5, delay_s=2.0, max_attempts=1)
    except UnicodeError as raised:
        got = raised
    records = [json.loads(record) for record in (await stored(raw)).get(DEAD, [])]
    found = [record["errors"][-1]["chain"] for record in records]
    expected = [[{"type": "OSError", "message": str(error)}]]
    assert (got, found) == ("dead", expected), explain(
        called='fail("w1", entry, OSError("no such file: r\\udce9sum\\udce9.pdf"), …, max_attempts=1)',
        got=f"{got!r}, records with the chains {found!r}",
        expected=f"'dead', and one record with the chain {expected[0]!r}",
        costs="the job cannot be buried: every call stumbles over the same text",
    )
