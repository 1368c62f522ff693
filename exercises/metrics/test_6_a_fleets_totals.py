"""Step 6: a fleet's totals."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import WatchError

from exercises.metrics.given import own_locks  # noqa: F401 - pytest finds the fixture own_locks here
from exercises.metrics.metrics import Flusher, Registry
from grading import explain, for_seeds

pytestmark = pytest.mark.step(6, "a fleet's totals", stretch=True)


TOTALS = "metrics:totals"
TOO_MUCH = "the fleet reports jobs that were never submitted"
TOO_LITTLE = "work that was done is in no total"


async def totals_of(network) -> dict[str, float]:
    stored = await network.raw().hgetall(TOTALS)
    return {key.decode(): float(total) for key, total in stored.items()}


async def test_flush_adds_what_was_counted_since_the_last_one(network, redis):
    """A flush adds the delta since the last one, and nothing if there is none."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    registry.inc("jobs_total", {"status": "ok"}, 2.5)
    registry.inc("up_total")
    await flusher.flush()
    registry.inc("jobs_total", {"status": "ok"})
    registry.inc("errors_total", None, 4.0)
    await flusher.flush()
    got, want = await totals_of(network), {'jobs_total{status="ok"}': 3.5, "up_total": 1.0, "errors_total": 4.0}
    assert got == want, explain(
        called="inc(2.5), flush(), inc(1), flush() (and two other counters); checked: metrics:totals",
        got=got,
        expected=want,
        costs=TOO_MUCH if sum(got.values()) > sum(want.values()) else None,
    )
    before = len(network.recording)
    await flusher.flush()
    got = await totals_of(network)
    assert got == want, explain(
        called="a further flush() with nothing new; checked: metrics:totals",
        got=got,
        expected=want,
        costs="an idle fleet reports traffic",
    )
    sent = [
        exchange.command[0].decode().upper() for exchange in network.recording[before:] if exchange.client == "redis"
    ]
    got = [name for name in sent if name in ("EXEC", "SET", "SETEX", "HSET", "HINCRBY", "HINCRBYFLOAT")]
    assert got == [], explain(
        called="a further flush() with nothing new; checked: the writes that it sends",
        got=got,
        expected=[],
        costs="an idle fleet keeps Redis, its log and its replicas busy",
    )


@for_seeds(10)
async def test_workers_that_flush_at_once_add_up(network):
    """Workers that flush at the same time add up."""

    async def work(number: int) -> None:
        registry = Registry()
        flusher = Flusher(registry, await network.client(f"w{number}"), f"w{number}")
        for turn in range(3):
            registry.inc("jobs_total", None, 2.0**turn)
            registry.inc("jobs_total", {"worker": str(number)})
            await flusher.flush()

    await asyncio.gather(*(work(number) for number in range(3)))
    got = await totals_of(network)
    want = {"jobs_total": 21.0} | {f'jobs_total{{worker="{number}"}}': 3.0 for number in range(3)}
    assert got == want, explain(
        called="three workers at the same time, each inc(1), flush(), inc(2), flush(), inc(4), flush()",
        got=got,
        expected=want,
        costs="a worker overwrites what another one has added" if got.get("jobs_total", 0) < 21 else TOO_MUCH,
    )


@for_seeds(10)
async def test_what_is_counted_during_a_flush_is_not_lost(network, redis):
    """What is counted while a flush is on its way goes out with a later one."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")

    async def count() -> None:
        for _ in range(12):
            registry.inc("jobs_total")
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    for _ in range(3):
        registry.inc("jobs_total")
        await flusher.flush()
    await counting
    await flusher.flush()
    got, want = (await totals_of(network)).get("jobs_total"), registry.value("jobs_total")
    assert got == want, explain(
        called="inc() while flush() is on its way, then a last flush(); checked: metrics:totals",
        got=got,
        expected=want,
        costs="what is counted between the snapshot and the reply is in no total" if (got or 0) < want else TOO_MUCH,
    )


@pytest.mark.parametrize("effect", ["never_arrived", "reply_lost", "cancelled"])
async def test_each_delta_counts_once_whatever_breaks(network, effect):
    """Whatever breaks in a flush, after the next one every delta is in the totals once."""
    async for trial in network.every_point(effect, client="redis"):
        registry, neighbour = Registry(), Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        other = Flusher(neighbour, await trial.client("w2"), "w2")
        registry.inc("jobs_total")
        registry.inc("errors_total", None, 0.5)
        outcome = await trial.attempt(flusher.flush())
        trial.heal()
        story = f"w1: jobs +1, errors +0.5, flush() ({trial.broke})"
        if not outcome.broken:
            await compare(trial, f"{story}, which returned", {"jobs_total": 1.0, "errors_total": 0.5})
        neighbour.inc("jobs_total", None, 64.0)
        await other.flush()
        registry.inc("jobs_total", None, 2.0)
        registry.inc("retries_total", None, 8.0)
        await flusher.flush()
        want = {"jobs_total": 67.0, "errors_total": 0.5, "retries_total": 8.0}
        await compare(trial, f"{story}; w2: jobs +64, flush(); w1: jobs +2, retries +8, flush()", want)
        await flusher.flush()
        await compare(trial, f"{story}; w2: jobs +64, flush(); w1: jobs +2, retries +8, flush(), flush()", want)


async def flushed(flusher: Flusher) -> None:
    """Flush as a caller does: again after a WatchError, until a flush returns."""
    for _ in range(5):
        try:
            return await flusher.flush()
        except WatchError:
            continue
    return await flusher.flush()


async def test_transaction_that_arrives_late_counts_once(network):
    """What was believed lost may arrive while the next flush is on its way: the mark is watched before it is read."""
    for after in range(1, 6):
        async for trial in network.every_point("delivered_late", client="redis", after=after):
            registry = Registry()
            flusher = Flusher(registry, trial.redis, "w1")
            registry.inc("jobs_total")
            await trial.attempt(flusher.flush())
            trial.heal()
            await flushed(flusher)
            registry.inc("jobs_total", None, 2.0)
            await flushed(flusher)
            await flusher.flush()
            nth = "next command" if after == 1 else f"next {after} commands"
            story = f"w1: jobs +1, flush() ({trial.broke}, after its {nth}), flush(), jobs +2, flush(), flush()"
            await compare(trial, story, {"jobs_total": 3.0})


async def compare(trial, story: str, want: dict[str, float]) -> None:
    got = await totals_of(trial)
    more = any(total > want.get(name, 0) for name, total in got.items())
    assert got == want, explain(
        called=f"{story}; checked: {TOTALS}",
        got=got,
        expected=want,
        costs=TOO_MUCH if more else TOO_LITTLE,
    )


async def test_restarted_worker_with_its_old_name_goes_on_counting(network, redis):
    """A worker that starts again under its old name is not fooled by its last life's mark."""
    lives = (1, 1, 3, 2)
    for flushes in lives:
        registry = Registry()
        flusher = Flusher(registry, redis, "w1")
        for _ in range(flushes):
            registry.inc("jobs_total")
            await flusher.flush()
    got = await totals_of(network)
    assert got == {"jobs_total": 7.0}, explain(
        called=f"{len(lives)} lives of worker w1 with 1, 1, 3 and 2 times inc(), flush(); checked: {TOTALS}",
        got=got,
        expected={"jobs_total": 7.0},
        costs="after each deploy the first counts are missing" if got.get("jobs_total", 0) < 7 else TOO_MUCH,
    )


async def test_restarted_worker_is_not_fooled_when_its_first_flush_fails(network):
    """The mark of a worker's last life is not taken for that of a flush that never arrived."""
    for lives in (1, 2):
        async for trial in network.every_point("never_arrived", client="redis"):
            registry = Registry()
            flusher = Flusher(registry, await trial.client("last life"), "w1")
            for _ in range(lives):
                registry.inc("jobs_total")
                await flusher.flush()
            registry = Registry()
            flusher = Flusher(registry, trial.redis, "w1")
            registry.inc("jobs_total", None, 16.0)
            await trial.attempt(flusher.flush())
            trial.heal()
            await flusher.flush()
            story = (
                f"{lives} times jobs +1 and flush(), a restart under the same name, jobs +16, "
                f"flush() ({trial.broke}), flush()"
            )
            await compare(trial, story, {"jobs_total": 16.0 + lives})


async def test_flush_after_a_long_outage_counts_once(network):
    """The mark is there however late the worker comes back: it does not expire."""
    async for trial in network.every_point("reply_lost", client="redis"):
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        await trial.attempt(flusher.flush())
        trial.heal()
        raw = trial.raw()
        for key in await raw.keys("*"):
            if await raw.ttl(key) >= 0:
                await raw.delete(key)
        await flusher.flush()
        story = f"jobs +1, flush() ({trial.broke}), a pause that outlives every expiry, flush()"
        await compare(trial, story, {"jobs_total": 1.0})


async def stored_besides_totals(raw) -> int:
    """Count the keys that never expire, and the members of those that hold several."""
    size = 0
    counts = {b"set": raw.scard, b"hash": raw.hlen, b"list": raw.llen, b"zset": raw.zcard, b"stream": raw.xlen}
    for key in await raw.keys("*"):
        if key == TOTALS.encode() or await raw.ttl(key) >= 0:
            continue
        count = counts.get(await raw.type(key))
        size += await count(key) if count else 1
    return size


# --- Corner cases ----------------------------------------------------------------------------------------------------


async def test_client_that_retries_counts_once(network):
    """With redis-py's own retries on, a transaction whose reply is lost is sent twice, and counts once."""
    async for trial in network.every_point("reply_lost", client="redis", retries=3):
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        outcome = await trial.attempt(flusher.flush())
        trial.heal()
        registry.inc("jobs_total", None, 2.0)
        await flushed(flusher)
        end = "the flush raised an error" if outcome.broken else "the flush returned without an error"
        story = (
            f"on a client with its retries on: jobs +1, flush() ({trial.broke}, so redis-py sends it again; {end}), "
            "jobs +2, flush()"
        )
        await compare(trial, story, {"jobs_total": 3.0})


async def test_idle_flush_after_fractions_writes_nothing(network, redis):
    """What was sent is the snapshot: no remainder of a float sum is left to send."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    registry.inc("busy_seconds_total", None, 0.2)
    await flusher.flush()
    registry.inc("busy_seconds_total", None, 0.1)
    registry.inc("busy_seconds_total", None, 0.4)
    await flusher.flush()
    before = len(network.recording)
    await flusher.flush()
    sent = [exchange.command for exchange in network.recording[before:] if exchange.client == "redis"]
    got = [b" ".join(command).decode() for command in sent if command[0].upper() in (b"HINCRBYFLOAT", b"SET", b"EXEC")]
    assert got == [], explain(
        called="inc(0.2), flush(), inc(0.1), inc(0.4), flush(), then flush() with nothing new; checked: what it writes",
        got=got,
        expected=[],
        costs="an idle worker keeps writing the rounding errors of floats",
    )


async def test_more_than_a_thousand_series_are_all_flushed(network, redis):
    """One flush sends every series, however many there are."""
    registry = Registry(max_series=2_000)
    flusher = Flusher(registry, redis, "w1")
    for number in range(1_200):
        registry.inc("jobs_total", {"user": str(number)})
    await flusher.flush()
    got = await network.raw().hlen(TOTALS)
    assert got == 1_200, explain(
        called=f"flush() of a registry with 1,200 series; checked: the fields of {TOTALS}",
        got=f"{got:,}",
        expected="1,200",
        costs="what was left out is in no total",
    )


async def test_totals_that_vanish_do_not_come_back(network, redis):
    """After the totals and the mark are gone, a worker that lives adds what is new, and nothing else."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    registry.inc("jobs_total", None, 4.0)
    await flusher.flush()
    await network.raw().flushall()
    registry.inc("jobs_total", None, 2.0)
    await flusher.flush()
    await compare(network, "jobs +4, flush(), FLUSHALL by an operator, jobs +2, flush()", {"jobs_total": 2.0})


async def test_mark_is_one_string_under_the_workers_name(network, redis):
    """The mark is the string key that the contract names, and it never expires."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    for _ in range(2):
        registry.inc("jobs_total")
        await flusher.flush()
    raw = network.raw()
    got = {key.decode(): await raw.ttl(key) for key in await raw.keys("*") if key.decode() != TOTALS}
    assert got == {"metrics:flushed:w1": -1}, explain(
        called=f"flush() twice; checked: keys besides {TOTALS}, with the seconds until they expire (-1: never)",
        got=got,
        expected={"metrics:flushed:w1": -1},
        costs="the mark is gone when a worker comes back from a long outage"
        if max(got.values(), default=0) > 0
        else None,
    )


async def test_delta_that_is_sent_again_keeps_its_id(network):
    """A first flush that did not arrive, and a second whose reply is lost: the third knows the second's mark."""
    for point in range(1, 100):
        trial = await network.fresh()
        trial.fail_at(point, effect="never_arrived")
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        first = await trial.attempt(flusher.flush())
        trial.heal()
        if not first.broken:
            break
        for second_point in range(1, 100):
            again = await network.fresh()
            registry = Registry()
            flusher = Flusher(registry, again.redis, "w1")
            registry.inc("jobs_total")
            again.fail_at(point, effect="never_arrived")
            await again.attempt(flusher.flush())
            again.heal()
            again.fail_at(second_point, effect="reply_lost")
            second = await again.attempt(flusher.flush())
            again.heal()
            await flusher.flush()
            story = f"jobs +1, flush() (did not arrive), flush() ({again.broke}), flush()"
            await compare(again, story, {"jobs_total": 1.0})
            if not second.broken:
                break


async def test_a_second_fault_in_a_row_changes_nothing(network):
    """Two failed flushes in a row lose nothing and double nothing."""
    for point in range(1, 100):
        trial = await network.fresh()
        trial.fail_at(point, effect="reply_lost")
        registry = Registry()
        flusher = Flusher(registry, trial.redis, "w1")
        registry.inc("jobs_total")
        first = await trial.attempt(flusher.flush())
        trial.heal()
        broke, trial.broke = trial.broke, "nothing broke"
        registry.inc("jobs_total", None, 2.0)
        trial.fail_at(3, effect="reply_lost")
        await trial.attempt(flusher.flush())
        trial.heal()
        registry.inc("jobs_total", None, 4.0)
        await flusher.flush()
        story = f"jobs +1, flush() ({broke}), jobs +2, flush() ({trial.broke}), jobs +4, flush()"
        await compare(trial, story, {"jobs_total": 7.0})
        if not first.broken:
            break


async def test_marks_do_not_pile_up(network, redis):
    """What is stored does not grow with the number of flushes."""
    registry = Registry()
    flusher = Flusher(registry, redis, "w1")
    sizes = []
    for flushes in (3, 12):
        for _ in range(flushes):
            registry.inc("jobs_total")
            await flusher.flush()
        sizes.append(await stored_besides_totals(network.raw()))
    assert sizes[1] <= sizes[0], explain(
        called=f"flush() 3 and 15 times; checked: what is stored besides {TOTALS}, without an expiry",
        got=f"{sizes[0]} and {sizes[1]} keys and members",
        expected="no growth: one mark a worker",
        costs="one mark for each flush, for ever: at one flush a second 86,400 a day for each worker",
    )
    fields = {key.decode() for key in await network.raw().hkeys(TOTALS)}
    assert fields == {"jobs_total"}, explain(
        called=f"flush() 15 times; checked: the fields of {TOTALS}",
        got=sorted(fields),
        expected=["jobs_total"],
        costs="programs that read the totals find bookkeeping among the metrics",
    )
