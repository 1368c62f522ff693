"""Exactly once in effect, for handlers whose effect is in the same Redis: effect and job id commit together."""

from collections.abc import Callable
from typing import Any

import redis.exceptions

from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_scripts import Client
from jobqueue.domain import defaults
from jobqueue.domain.errors import StoreUnavailable
from jobqueue.domain.job import Job

TRIES = 50


# --8<-- [start:once]
async def once(
    client: Client, job: Job, effect: Callable[[Any], object], *, tag: str, remember_s: float = defaults.KEY_FOR_S
) -> bool:
    """Queue an effect's commands and the job's mark in one transaction; do nothing if the mark is there.

    At least once is what a queue can promise: a job whose worker died between effect and acknowledgement comes again.
    Its second run finds the mark and changes nothing. An effect outside this Redis cannot commit with the mark; pass
    it the job id as its own idempotency key.

    Args:
        client: A `redis.asyncio.Redis`; not a Cluster client, whose transactions cannot watch.
        job: The job on whose behalf the effect is.
        effect: Gets a pipeline and calls commands on it, none of whose results it needs.
        tag: Names the mark's key, beside the job; on a clustered server it goes into the hash tag, as the effect's
            keys must.
        remember_s: Seconds for which the mark stays: longer than any redelivery may take.

    Returns:
        Whether the effect was committed now; False means that it was before.

    Raises:
        StoreUnavailable: Not known whether it was committed; let the job be retried, the mark decides.
    """
    mark = f"jobqueue:effect:{{{tag}}}:{job.id}"
    with translated:
        async with client.pipeline(transaction=True) as pipeline:
            for _ in range(TRIES):
                try:
                    await pipeline.watch(mark)
                    if await pipeline.exists(mark):
                        return False
                    pipeline.multi()
                    effect(pipeline)
                    pipeline.set(mark, job.attempt, ex=round(remember_s))
                    await pipeline.execute()
                except redis.exceptions.WatchError:
                    continue  # another run of the job committed in between: look again
                else:
                    return True
    raise StoreUnavailable(f"the mark of job {job.id} changed {TRIES} times while it was watched; try again later")


# --8<-- [end:once]
