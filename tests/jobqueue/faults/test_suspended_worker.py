"""A worker that is stopped for longer than its lease, and then goes on as if nothing had been."""

import time

import pytest

LEASE_S = 1.0


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_worker_suspended_past_its_lease_is_refused_when_it_comes_back(
    processes, valkey, ledger, submit, rng, scaled
):
    """A late acknowledgement does not count: the jobs of a worker that was silent too long are another's by then.

    Did: ran two workers with a lease of 1 s, and again and again sent SIGSTOP to one of them, SIGCONT after twice the
        lease.
    Saw: every job took effect exactly once; the workers counted leases that they had lost; both went on, and drained.
    Otherwise: without a lease token the late worker would acknowledge a job that another is running, and without the
        mark beside the effect both would have had theirs.
    """
    settings = {"JOBQUEUE_LEASE_S": str(LEASE_S), "JOBQUEUE_CONCURRENCY": "10"}
    workers = [processes.worker(valkey.url, JOBQUEUE_METRICS_LISTEN="127.0.0.1:0", **settings) for _ in range(2)]
    book, ids, rounds = ledger(valkey.url), [], scaled(20, 3)
    for worker in workers:
        worker.logged("working")
    for _ in range(rounds):
        if book.depth()["ready"] < 4000:
            ids += submit(valkey.url, 4000, 0.02)
        before = book.effects()
        book.wait(lambda _, before=before: book.effects() > before, 30, "working")
        time.sleep(rng.uniform(0.1, 0.4))
        suspended = rng.choice(workers)
        suspended.suspend()
        time.sleep(2 * LEASE_S)
        suspended.resume()
    book.wait_until_settled(120)
    lost = [worker.metric("job_leases_lost_total") for worker in workers]
    seen = book.check(ids)
    print(f"{rounds} suspensions: {seen}, leases lost {lost}")
    assert seen["dead"] == 0
    assert seen["runs"] > seen["jobs"], "nobody was suspended while at work"
    assert sum(lost) >= rounds
    assert all(worker.drain() == 0 for worker in workers)
