"""Handlers for containers, of code that runs on 0.5.0 and on this version: they count each job's runs in Redis."""

import asyncio
import os

import redis
import redis.asyncio

from jobqueue.application.handlers import Handlers
from jobqueue.domain.errors import TransientError

handlers = Handlers()
client = redis.asyncio.Redis.from_url(os.environ["JOBQUEUE_REDIS_URL"])


@handlers.handler("noted")
async def noted(job):
    """Work for 20 ms, then count the run."""
    await asyncio.sleep(0.02)
    try:
        await client.hincrby("noted", job.id, 1)
    except redis.RedisError as error:
        raise TransientError(str(error)) from error
