"""What a fault run looks at: where every job is, and how often each was run and took effect."""

import time

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from jobqueue.adapters.job_record import decode
from jobqueue.adapters.redis_keys import queue_keys
from tests.jobqueue.faults.handlers import notes

UNSETTLED = ("ready", "scheduled", "retries", "leases")
PLACES = (*UNSETTLED, "done", "dead")


class Ledger:
    """Reads one queue's structures and notes, with a plain client of its own."""

    def __init__(self, url, queue="default", notes_url=""):
        retry = Retry(ConstantBackoff(0.05), 100)  # servers are killed here: the one that looks has patience
        self.client = redis.Redis.from_url(url, retry=retry, socket_timeout=10)
        self.notebook = redis.Redis.from_url(notes_url, retry=retry) if notes_url else self.client
        self.queue, self.keys = queue, queue_keys(queue)

    def close(self):
        self.client.close()
        self.notebook.close()

    def depth(self):
        """Return how many jobs are in each place, as of one instant."""
        pipe = self.client.pipeline(transaction=True)
        pipe.llen(self.keys.ready)
        for name in PLACES[1:]:
            pipe.zcard(getattr(self.keys, name))
        return dict(zip(PLACES, pipe.execute(), strict=True))

    def note(self, name):
        """Return one of the notes: id → count."""
        found = self.notebook.hgetall(notes(self.queue, name))
        return {job_id.decode(): int(count) for job_id, count in found.items()}

    def effects(self):
        """Return how many jobs have taken effect."""
        return self.notebook.hlen(notes(self.queue, "effects"))

    def wait(self, holds, limit_s, what):
        """Wait until `holds(depth)`, and return when that was; never longer than the limit."""
        give_up_at = time.monotonic() + limit_s
        while not holds(depth := self.depth()):
            assert time.monotonic() < give_up_at, f"{self.queue}: not {what} within {limit_s} s: {depth}"
            time.sleep(0.02)
        return time.time()

    def wait_until_settled(self, limit_s):
        """Wait until every job is done or dead, and return when that was."""
        return self.wait(lambda depth: not any(depth[place] for place in UNSETTLED), limit_s, "all done or dead")

    def check(self, submitted, *, effects=True):
        """Hold the queue to its promise for these ids, and return the figures.

        Every record is in exactly one place, every lease has its token; every job that was submitted has been run, and
        is done, with exactly one effect, or dead with its reason and at most one effect.
        """
        where, records = self.places()
        placed = [job_id for ids in where.values() for job_id in ids]
        assert sorted(placed) == sorted(records), "a job is in no place, or in two"
        assert sorted(where["leases"]) == sorted(self.client.hkeys(self.keys.tokens))
        runs, effected, repeats = self.note("runs"), self.note("effects"), self.note("repeats")
        dead = {job_id.decode() for job_id in where["dead"]}
        done = {job_id.decode() for job_id in where["done"]}
        lost = set(submitted) - done - dead
        assert not lost, f"{len(lost)} of {len(submitted)} jobs are lost or not settled: {sorted(lost)[:3]}"
        for job_id in dead:
            job = decode(job_id, self.queue, records[job_id.encode()])
            assert job.failures, f"dead without a reason: {job}"
            assert job.failures[-1].causes[0].message, f"dead without a message: {job}"
        not_run = [job_id for job_id in done if job_id not in runs]
        assert not not_run, f"{len(not_run)} jobs are done and were never run: {not_run[:3]}"
        if effects:
            assert all(effected.get(job_id) == 1 for job_id in done), "a job that is done took effect not exactly once"
            assert all(effected.get(job_id, 0) <= 1 for job_id in dead), "a dead job took effect twice"
        return {
            "jobs": len(submitted),
            "done": len(done),
            "dead": len(dead),
            "runs": sum(runs.values()),
            "repeats": sum(repeats.values()),
        }

    def places(self):
        """Return the ids in each place, and the records, as of one instant."""
        pipe = self.client.pipeline(transaction=True)
        pipe.lrange(self.keys.ready, 0, -1)
        for name in PLACES[1:]:
            pipe.zrange(getattr(self.keys, name), 0, -1)
        pipe.hgetall(self.keys.records)
        *ids, records = pipe.execute()
        return dict(zip(PLACES, ids, strict=True)), records
