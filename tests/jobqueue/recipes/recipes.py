"""The recipes that the manual shows; `test_recipes.py` runs each of them."""

import asyncio
import json
import time

from jobqueue.adapters.redis_effects import once
from jobqueue.application.submit import JobRequest


# --8<-- [start:periodic]
def submit_report(submitter, now):
    """Call this from cron, on as many machines as you like: the first call of a day makes the job."""
    day = now.date().isoformat()
    return submitter.submit("default", "report", {"day": day}, key=f"report-{day}")


# --8<-- [end:periodic]


# --8<-- [start:rate]
async def wait_for_turn(client, name, per_s):
    """Return when this second has a turn left, in all workers together."""
    while True:
        second = int(time.time())
        async with client.pipeline() as pipe:
            pipe.incr(f"turns:{name}:{second}")
            pipe.expire(f"turns:{name}:{second}", 10)
            turns, _ = await pipe.execute()
        if turns <= per_s:
            return
        await asyncio.sleep(max(0.01, second + 1 - time.time()))


# --8<-- [end:rate]


def register_results(handlers, client):
    # --8<-- [start:result]
    @handlers.handler("square")
    async def square(job):
        result = json.dumps(job.data**2)
        await once(client, job, lambda pipe: pipe.set(f"result:{job.id}", result, ex=3600), tag="results")

    # --8<-- [end:result]


def register_chain(handlers, submitter, resized, published):
    # --8<-- [start:chain]
    @handlers.handler("resize")
    async def resize(job):
        resized(job.data)
        await submitter.submit("default", JobRequest("publish", job.payload, key=f"publish-{job.id}"))

    @handlers.handler("publish")
    async def publish(job):
        published(job.data)

    # --8<-- [end:chain]
