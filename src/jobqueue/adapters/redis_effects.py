"""Exactly once in effect, for handlers whose effect is in Redis: effect and mark of the job commit together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis.exceptions

from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_scripts import Client
from jobqueue.application.effect_marks import Mark, keep_s, leave
from jobqueue.domain.errors import StoreUnavailable
from jobqueue.domain.job import Job

TRIES = 50


# --8<-- [start:once]
async def once(client: Client, job: Job, effect: Callable[[Any], object], *, tag: str) -> bool:
    """Commit an effect's commands together with the job's mark in one transaction; do nothing if the mark exists.

    A queue can promise only at-least-once delivery: if a worker dies between effect and acknowledgement, the job runs
    again. Its second run finds the mark and changes nothing. An effect outside of this Redis can't commit together with
    the mark; use the job id as its idempotency key.

    The mark lives as long as the job can still be delivered or re-driven: for the retention of dead letters and 30 days
    from the last run that met it. Once the job is acknowledged the worker shortens that to `JOBQUEUE_KEY_FOR_S`.

    Args:
        client: A `redis.asyncio.Redis`; not a Cluster client, whose transactions cannot watch.
        job: The job on whose behalf the effect is, as the handler got it.
        effect: Gets a pipeline and queues commands on it. It can't read their results.
        tag: Names the mark's key, beside the job; on a clustered server it goes into the hash tag, as the effect's
            keys must.

    Returns:
        Whether this call committed the effect; False means that an earlier run did.

    Raises:
        StoreUnavailable: It isn't known whether the effect was committed. Let the error out: the next attempt finds the
            mark, or doesn't.
    """
    mark = f"jobqueue:effect:{{{tag}}}:{job.id}"
    life_ms = round(keep_s() * 1000)
    with translated:
        async with client.pipeline(transaction=True) as pipeline:
            for _ in range(TRIES):
                try:
                    await pipeline.watch(mark)
                    committed = _is_of(await pipeline.get(mark), job)
                    pipeline.multi()
                    if committed:
                        pipeline.pexpire(mark, life_ms)
                    else:
                        effect(pipeline)
                        pipeline.set(mark, _submission(job), px=life_ms)
                    await pipeline.execute()
                except redis.exceptions.WatchError:
                    continue  # another run of the job committed in between: look again
                else:
                    leave(job, Mark(mark, _Shortening(client)))
                    return not committed
    raise StoreUnavailable(f"the mark of job {job.id} changed {TRIES} times while it was watched; try again later")


# --8<-- [end:once]


def _submission(job: Job) -> bytes:
    return b"submitted %d" % round(job.submitted_at * 1000)


def _is_of(value: Any, job: Job) -> bool:
    """Say whether a mark is of this job.

    An idempotency key that is used again after it was forgotten gives a new job the old id. The old mark isn't its own.
    Version 0.5.0 wrote the attempt, which tells nothing of the submission: such a mark counts.
    """
    if value is None:
        return False
    raw = value.encode() if isinstance(value, str) else value
    return raw == _submission(job) or raw.isdigit()


@dataclass(frozen=True, slots=True)
class _Shortening:
    """Shortens marks on this client's server; equal for equal clients, so that requests are batched."""

    client: Client

    async def __call__(self, marks: Sequence[str], life_s: float) -> None:
        with translated:
            async with self.client.pipeline(transaction=False) as pipeline:
                for mark in marks:
                    pipeline.pexpire(mark, round(life_s * 1000))
                await pipeline.execute()
