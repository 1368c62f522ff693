"""A pool that is told to stop: what it finishes, what it gives back, and what it leaves where nobody looks.

Simulated in virtual time; the lengths of jobs are drawn from a seeded source. What is left out does not change the
argument: a take costs no time, so the buffer is full until the queue is empty or the pool is stopped, and no handler
fails.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import ceil, inf
from random import Random
from typing import Literal

Policy = Literal["leave", "finish", "give back"]


@dataclass(frozen=True)
class Run:
    """One job's time with one worker; `cut` if it was broken off at `to_s`."""

    job: int
    worker: int
    from_s: float
    to_s: float
    cut: bool


@dataclass(frozen=True)
class Drain:
    """What a pool did until it ended, and where its jobs were then.

    Attributes:
        runs: All runs, in the order in which they began.
        stop_s: When it was told to stop, in seconds from its start.
        ended_s: When its process was gone.
        done: Jobs that were finished.
        given_back: Jobs that went back to the queue, the next one first.
        stranded: Jobs left in processing: taken, not finished, and known to no process.
        held: Taken and not finished, at the beginning of each second.
    """

    runs: list[Run]
    stop_s: float
    ended_s: float
    done: list[int]
    given_back: list[int]
    stranded: list[int]
    held: list[int]

    @property
    def took_s(self) -> float:
        """Seconds from the order to stop until the process was gone."""
        return self.ended_s - self.stop_s


def drain(
    policy: Policy,
    *,
    capacity: int = 8,
    workers: int = 4,
    jobs: int = 500,
    stop_s: float = 20.0,
    grace_s: float = 10.0,
    patience_s: float = 30.0,
    seed: int = 136,
) -> Drain:
    """Run a pool over a queue of jobs of 2 to 8 s, and tell it to stop.

    Args:
        policy: What happens at stop. "leave": each worker finishes its job and goes, whatever is in the buffer.
            "finish": everything that was taken is run. "give back": the same for `grace_s`; then handlers are cut
            short, and what is not finished goes back to the queue.
        capacity: Places in the buffer.
        workers: Jobs at a time.
        jobs: Jobs in the queue at the start.
        stop_s: When the pool is told to stop.
        grace_s: Seconds from stop until handlers are cut short, for "give back".
        patience_s: Seconds from stop until the supervisor kills the process.
        seed: Chooses the lengths of the jobs.
    """
    random = Random(seed)
    length_s = [random.uniform(2.0, 8.0) for _ in range(jobs)]
    killed_s = stop_s + patience_s
    over_s = stop_s + grace_s if policy == "give back" else inf
    last_start_s = stop_s if policy == "leave" else over_s
    taken_at: list[float] = []
    buffer: deque[int] = deque()

    def refill(now_s: float) -> None:
        while now_s < stop_s and len(buffer) < capacity and len(taken_at) < jobs:
            buffer.append(len(taken_at))
            taken_at.append(now_s)

    refill(0.0)
    free = [(0.0, worker) for worker in range(workers)]
    heapify(free)
    runs: list[Run] = []
    while free:
        now_s, worker = heappop(free)
        if not buffer or now_s >= min(last_start_s, killed_s):
            continue  # this worker has finished
        job = buffer.popleft()
        refill(now_s)
        ends_s = now_s + length_s[job]
        to_s = min(ends_s, over_s, killed_s)
        runs.append(Run(job, worker, now_s, to_s, cut=to_s < ends_s))
        heappush(free, (to_s, worker))
    done_at = {run.job: run.to_s for run in runs if not run.cut}
    open_jobs = [job for job in range(len(taken_at)) if job not in done_at]
    back = open_jobs if policy == "give back" and over_s <= killed_s else []
    ended_s = max(run.to_s for run in runs)
    held = [
        sum(at <= second < done_at.get(job, ended_s) for job, at in enumerate(taken_at))
        for second in range(ceil(ended_s))
    ]
    return Drain(
        runs=runs,
        stop_s=stop_s,
        ended_s=ended_s,
        done=sorted(done_at),
        given_back=back,
        stranded=[job for job in open_jobs if job not in back],
        held=held,
    )


def drains_table(drains: dict[str, Drain]) -> str:
    """Write drains as a Markdown table, one row each, under their names."""
    rows = ["| | gone after stop, s | jobs done | given back | stranded |", "| --- | --: | --: | --: | --: |"]
    rows += [
        f"| {name} | {one.took_s:.1f} | {len(one.done)} | {len(one.given_back)} | {len(one.stranded)} |"
        for name, one in drains.items()
    ]
    return "\n".join(rows)
