"""A message's line of difference, and the rows of a trace: what belongs to one call, faults, races."""

import asyncio

import pytest
import redis.exceptions

from grading import clock
from grading.explain import difference, explain
from grading.network import Network
from grading.trace import Callers, choose, rows_of, text_of


@pytest.mark.parametrize(
    ("got", "expected", "says"),
    [
        ({"jobs": 68.0}, {"jobs": 67.0}, "jobs: 68.0 instead of 67.0"),
        ({"jobs": 1}, {"jobs": 1, "errors": 2}, "errors is missing"),
        ({"jobs": 1, "errors": 2}, {"jobs": 1}, "errors should not be there"),
        (["a", "c"], ["a", "b", "c"], "missing: b"),
        (["a", "a"], ["a"], "should not be there: a"),
        (["b", "a"], ["a", "b"], "the order: number 1 is b, not a"),
        (3, 4, None),
    ],
)
def test_difference_names_the_item(got, expected, says):
    assert difference(got, expected) == says


def test_got_is_shown_in_the_order_of_expected():
    text = explain(called="totals()", got={"b": 1, "a": 3}, expected={"a": 2, "b": 1})
    assert "got       {'a': 3, 'b': 1}\nexpected  {'a': 2, 'b': 1}\ndiff      a: 3 instead of 2" in text


LEARNER = "learner.py"
CODE = """
async def spend(client):
    balance = int(await client.get("balance"))
    await client.set("balance", balance - 1)


async def add(client):
    async with client.pipeline(transaction=True) as pipe:
        pipe.incr("balance")
        await pipe.execute()


async def nothing(_client):
    return False
"""
learner: dict = {}
exec(compile(CODE, LEARNER, "exec"), learner)
spend, add, nothing = learner["spend"], learner["add"], learner["nothing"]


def traced(monkeypatch, main):
    monkeypatch.setattr(Callers, "files", (LEARNER,))

    async def whole():
        network = Network(1)
        await network.open()
        try:
            await network.raw().set("balance", 5)
            await main(network)
        finally:
            await network.close()
        return text_of(choose(rows_of(network.events))[0])

    return [" ".join(line.split()) for line in clock.run(whole)]


def test_commands_of_one_call_share_a_row_and_what_is_not_sent_is_said(monkeypatch):
    async def main(network):
        await network.call("redis", add(network.redis))
        await network.call("redis", nothing(network.redis))

    first, second = traced(monkeypatch, main)
    assert first.endswith("MULTI, INCRBY balance 1, EXEC → [6]")
    assert second == "worker nothing() (sent nothing to Redis) returned False"


def test_lost_update_is_noted_where_it_happens(monkeypatch):
    async def main(network):
        other = await network.client("worker 2")
        await asyncio.gather(network.call("redis", spend(network.redis)), network.call("worker 2", spend(other)))

    assert sum("wrote it since the read" in line for line in traced(monkeypatch, main)) == 1


@pytest.mark.parametrize(
    ("effect", "point", "says"),
    [
        ("never_arrived", 1, "← connection broke: never arrived"),
        ("reply_lost", 3, "← reply to EXEC lost; Redis has run it"),
        ("delivered_late", 1, "← connection broke: arrives later"),
        ("cancelled", 1, "← cancelled here, not sent"),
    ],
)
def test_fault_is_marked_where_it_struck(monkeypatch, effect, point, says):
    async def main(network):
        if effect == "cancelled":
            network.cancel_at(point)
        else:
            network.fail_at(point, effect=effect)
        await network.attempt(add(network.redis))

    assert any(says in line for line in traced(monkeypatch, main))


def test_late_transaction_arrives_after_the_next_command_of_its_client():
    async def main():
        network = Network(1)
        await network.open()
        network.fail_at(1, effect="delivered_late")
        with pytest.raises(redis.exceptions.ConnectionError):
            await add(network.redis)
        seen = [await network.raw().get("balance")]
        seen += [await network.redis.get("balance"), await network.redis.get("balance")]
        await network.close()
        return seen

    assert clock.run(main) == [None, None, b"1"]


def test_late_transaction_fails_where_its_watched_key_was_changed_meanwhile():
    async def main():
        network = Network(1)
        await network.open()
        async with network.redis.pipeline() as pipe:
            await pipe.watch("balance")
            pipe.multi()
            pipe.incr("balance")
            network.fail_at(1, effect="delivered_late")
            with pytest.raises((redis.exceptions.ConnectionError, redis.exceptions.WatchError)):
                await pipe.execute()
        await network.redis.set("balance", 10)
        await network.redis.ping()
        balance = await network.raw().get("balance")
        await network.close()
        return balance

    assert clock.run(main) == b"10"
