"""`kill -9` of Valkey with its append-only file on, and a new start on the same folder."""

import itertools
import threading
import time
import uuid

import pytest

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.domain.errors import StoreUnavailable

POSTPONED_S = 2.0
"""For how long Valkey may put off a write with `appendfsync everysec`, when the disk is busy (valkey.conf)."""


class Producer(threading.Thread):
    """Submits jobs with keys one after the other, each until it is acknowledged.

    It makes `count` at the least, and goes on until it may end: how fast the machine is must not decide whether a kill
    finds it at work.
    """

    def __init__(self, url, count):
        super().__init__(daemon=True)
        self.url, self.count = url, count
        self.may_end = threading.Event()
        self.acknowledged = {}  # id → when
        self.retried = 0

    def run(self):
        with BlockingSubmitter(self.url, lambda: uuid.uuid4().hex) as submitter:
            for number in itertools.count():
                if number >= self.count and self.may_end.is_set():
                    break
                while True:
                    try:
                        job_id = submitter.submit("default", "counted", {"s": 0.01}, key=f"k{number}").id
                    except StoreUnavailable:
                        self.retried += 1
                        time.sleep(0.01)
                    else:
                        break
                self.acknowledged[job_id] = time.time()
                time.sleep(0.001)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_jobs_survive_the_kill_of_valkey(fsync, folder, processes, ledger, rng, scaled):
    """A submit that was acknowledged is on disk, and workers find the server again by themselves.

    Did: killed Valkey ten times while a producer submitted thousands of jobs and two workers ran them, and each time
        started it again on the same folder, with its append-only file flushed always, and in a second run every second.
    Saw: flushed always, every acknowledged job is there, and done with exactly one effect; flushed every second, what
        is missing was acknowledged within the last two seconds before a kill (a killed process usually loses none, a
        machine that loses its power does). The workers that ran at the start ran at the end.
    Otherwise: without the file all would be gone, and a worker that gives up would have to be started again.
    """
    valkey = EmbeddedValkey(folder / "v", fsync=fsync)
    valkey.start()
    book, lost, jobs = ledger(valkey.url), set(), scaled(10_000, 1500)
    producer = Producer(valkey.url, jobs)
    try:
        settings = {"JOBQUEUE_LEASE_S": "1", "JOBQUEUE_CONCURRENCY": "20", "JOBQUEUE_LOG_LEVEL": "error"}
        workers = [processes.worker(valkey.url, **settings) for _ in range(2)]
        producer.start()
        for _ in range(scaled(10, 3)):
            before = book.effects()
            book.wait(lambda _, before=before: book.effects() > before, 60, "working again")
            time.sleep(rng.uniform(0.2, 1.5))
            killed_at = time.time()
            valkey.kill()
            known = {job_id: at for job_id, at in producer.acknowledged.copy().items() if job_id not in lost}
            time.sleep(rng.uniform(0.0, 1.0))
            valkey.start()
            there = {raw.decode() for raw in book.client.hkeys(book.keys.records)}
            missing = {job_id for job_id in known if job_id not in there}
            late = [job_id for job_id in missing if known[job_id] < killed_at - POSTPONED_S]
            assert not late, f"{len(late)} jobs are gone that were acknowledged long before the kill"
            lost |= missing
        producer.may_end.set()
        producer.join(300)
        assert not producer.is_alive()
        book.wait_until_settled(120)
        seen = book.check([job_id for job_id in producer.acknowledged if job_id not in lost])
        print(f"{fsync}: {seen}, {producer.retried} submits repeated, {len(lost)} lost")
        if fsync == "always":
            assert not lost
        assert len(producer.acknowledged) >= jobs
        assert producer.retried > 0
        assert seen["dead"] <= 0.02 * seen["jobs"], seen
        assert all(worker.drain() == 0 for worker in workers)
    finally:
        valkey.stop()
