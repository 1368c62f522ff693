"""A queue that survives its workers: a pop loses what a crash interrupts, a move into a processing list does not.

Run it: `python solutions/examples/jobqueue.py`. Standard library only; the deques stand for Redis lists, where each
method below is one atomic command or transaction. The lesson of Day 136 runs it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


class Crash(BaseException):
    """The worker's process ends here and now; no handler could answer it, so it is no Exception."""


@dataclass
class Queue:
    """Ready jobs, oldest on the right, and the jobs that each worker has taken and not yet acknowledged."""

    ready: deque[str] = field(default_factory=deque)
    processing: dict[str, deque[str]] = field(default_factory=dict)

    def submit(self, job_id: str) -> None:
        """Add a job behind all others (LPUSH)."""
        self.ready.appendleft(job_id)

    def pop(self) -> str | None:
        """Take the oldest job away (RPOP). From here on it exists only in the caller's memory: at most once."""
        return self.ready.pop() if self.ready else None

    def take(self, worker: str) -> str | None:
        """Move the oldest job into the worker's processing list in one step (LMOVE), and return it.

        At every moment the job is in exactly one list, so a crash at any moment leaves it where somebody can find it.
        """
        if not self.ready:
            return None
        job_id = self.ready.pop()
        self.processing.setdefault(worker, deque()).appendleft(job_id)
        return job_id

    def acknowledge(self, worker: str, job_id: str) -> bool:
        """Remove a finished job for good (LREM). False if it is no longer this worker's: it came too late."""
        mine = self.processing.get(worker, deque())
        if job_id not in mine:
            return False
        mine.remove(job_id)
        return True

    def recover(self, worker: str) -> int:
        """Give back what a dead worker held, to the end that is taken next, oldest first. Calling twice is safe."""
        held = self.processing.pop(worker, deque())
        self.ready.extend(held)
        return len(held)


def work_by_pop(queue: Queue, done: list[str], crash_on: str | None = None) -> None:
    """Pop and run until the queue is empty, or until the process dies in the middle of a job."""
    while (job_id := queue.pop()) is not None:
        if job_id == crash_on:
            raise Crash
        done.append(job_id)


def work_by_take(queue: Queue, worker: str, done: list[str], crash_after: str | None = None) -> None:
    """Take, run, acknowledge; the process dies after the work and before the acknowledgement."""
    while (job_id := queue.take(worker)) is not None:
        done.append(job_id)
        if job_id == crash_after:
            raise Crash
        queue.acknowledge(worker, job_id)


def run(jobs: int = 6, crash_at: str = "job-3") -> dict[str, int]:
    """Let a worker die at one job, in both ways of taking, and count what is left of the jobs."""
    names = [f"job-{number}" for number in range(1, jobs + 1)]
    popped, moved = Queue(), Queue()
    for name in names:
        popped.submit(name)
        moved.submit(name)

    done_by_pop: list[str] = []
    done_by_take: list[str] = []
    try:
        work_by_pop(popped, done_by_pop, crash_on=crash_at)
    except Crash:
        work_by_pop(popped, done_by_pop)  # the next worker finds no trace of the job that was interrupted
    try:
        work_by_take(moved, "w1", done_by_take, crash_after=crash_at)
    except Crash:
        recovered, again = moved.recover("w1"), moved.recover("w1")
        work_by_take(moved, "w2", done_by_take)
    late = moved.acknowledge("w1", crash_at)  # the worker was only slow, and answers now

    return {
        "submitted": jobs,
        "done after pop": len(set(done_by_pop)),
        "lost by pop": jobs - len(set(done_by_pop)),
        "recovered": recovered,
        "recovered again": again,
        "done after take": len(set(done_by_take)),
        "lost by take": jobs - len(set(done_by_take)),
        "delivered twice": len(done_by_take) - len(set(done_by_take)),
        "late acknowledgements accepted": int(late),
    }


if __name__ == "__main__":
    for what, number in run().items():
        print(f"{what}: {number}")
