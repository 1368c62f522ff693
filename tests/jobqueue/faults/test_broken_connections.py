"""Connections that are cut, stall, and lose a request or half a reply: jobs go through all the same."""

import time
import uuid

import pytest

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.domain.errors import StoreUnavailable
from tests.jobqueue.faults.proxy import Proxy

LEASE_S = 1
LONG_STALL_S = 12.0


def submit_stubbornly(submitter, key):
    """Submit with a key until it is acknowledged, as a producer should; return the id and how often it took."""
    for tries in range(1, 1000):
        try:
            return submitter.submit("default", "counted", {"s": 0.01}, key=key).id, tries
        except StoreUnavailable:
            time.sleep(0.01)
    raise AssertionError(f"never acknowledged: {key}")


def misbehave(proxy, rng):
    """Do one thing, chosen at random, to the connections that are open."""
    deed = rng.choice(["cut all", "cut some", "reset", "lose requests", "lose replies", "lose replies", "stall"])
    if deed == "cut all":
        proxy.cut()
    elif deed == "cut some":
        proxy.cut(0.5)
    elif deed == "reset":
        proxy.reset()
    elif deed == "stall":
        proxy.stall(rng.uniform(0.05, 1.8 * LEASE_S))
    else:
        proxy.lose(deed.removeprefix("lose ").removesuffix("ies").removesuffix("s").replace("repl", "reply"))
    return deed


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_jobs_go_through_connections_that_break_at_random(processes, valkey, ledger, rng, scaled):
    """Whatever the network does, a job is done with one effect, or dead with its reason.

    Did: put a proxy between Valkey and two workers and a producer, submitted thousands of jobs with keys, each again
        until it was acknowledged, and a hundred times cut connections, lost requests or half of replies, or stalled
        everything, once for longer than a client waits for an answer.
    Saw: of each key there is one job, and it is done with exactly one effect, or dead with a reason.
    Otherwise: a lost reply would make a second job of a submit, a lost claim would strand its jobs, and a lost
        acknowledgement would let an effect happen twice.
    """
    book, deeds, acknowledged, retried = ledger(valkey.url), [], {}, 0
    rounds, jobs = scaled(100, 10), scaled(10_000, 1000)
    with Proxy(valkey.socket_path, rng) as proxy:
        settings = {"JOBQUEUE_LEASE_S": str(LEASE_S), "JOBQUEUE_CONCURRENCY": "20", "JOBQUEUE_LOG_LEVEL": "error"}
        workers = [processes.worker(proxy.url, **settings) for _ in range(2)]
        book.wait(lambda _: proxy.connections >= 2, 60, "connected")
        with BlockingSubmitter(proxy.url, lambda: uuid.uuid4().hex) as submitter:
            for number in range(rounds):
                deeds.append(misbehave(proxy, rng))
                until = time.monotonic() + rng.uniform(0.1, 0.5)
                while time.monotonic() < until and len(acknowledged) < jobs * (number + 1) // rounds:
                    key = f"k{len(acknowledged)}"
                    acknowledged[key], tries = submit_stubbornly(submitter, key)
                    retried += tries > 1
                time.sleep(max(0.0, until - time.monotonic()))
                if number == 50:
                    proxy.stall(LONG_STALL_S)
                    deeds.append("long stall")
        book.wait_until_settled(120)
        assert all(worker.drain() == 0 for worker in workers)
        seen, broken = book.check(acknowledged.values()), proxy.broken
    print(f"{len(deeds)} deeds, {broken} of {proxy.connections} connections broken, {retried} submits repeated: {seen}")
    assert len(set(acknowledged.values())) == len(acknowledged) == seen["done"] + seen["dead"]
    # Whether a cut makes a job run twice is chance, and so is a submit that is repeated; that something broke is not.
    assert seen["runs"] >= seen["jobs"]
    assert broken > 0, "no connection was broken: the faults hit nothing"
    assert seen["dead"] <= 0.02 * seen["jobs"], seen
