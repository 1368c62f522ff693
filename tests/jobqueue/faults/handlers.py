"""Handlers of the fault runs: they note what they do where a killed process cannot take it along.

The notes of a queue are hashes on the server that FAULTS_URL names: `runs` counts how often a job's handler began,
`effects` how often its effect was committed, `repeats` how often a run found its effect committed before.
"""

import asyncio
import os

import redis.asyncio

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_effects import once
from jobqueue.adapters.redis_errors import translated
from jobqueue.application.handlers import Handlers
from jobqueue.domain.retry import RetryPolicy

handlers = Handlers(RetryPolicy(max_attempts=int(os.environ.get("FAULTS_ATTEMPTS", "5")), base_s=0.1, cap_s=1.0))
_client: list[redis.asyncio.Redis] = []


def notes(queue, name):
    """Return the key of a queue's notes."""
    return f"faults:{queue}:{name}"


def _notebook():
    if not _client:
        _client.append(connect(os.environ["FAULTS_URL"], cluster=False))
    return _client[0]


@handlers.handler("counted")
async def counted(job):
    """Take `{"s": …}` seconds, then commit an effect together with the job id."""
    client = _notebook()
    with translated:
        await client.hincrby(notes(job.queue, "runs"), job.id, 1)
    await asyncio.sleep(job.data["s"])
    if not await once(client, job, lambda pipe: pipe.hincrby(notes(job.queue, "effects"), job.id, 1), tag=job.queue):
        with translated:
            await client.hincrby(notes(job.queue, "repeats"), job.id, 1)


@handlers.handler("noted")
async def noted(job):
    """Count the run, and nothing else: at least once is all that is promised for it."""
    with translated:
        await _notebook().hincrby(notes(job.queue, "runs"), job.id, 1)
