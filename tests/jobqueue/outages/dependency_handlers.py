"""Handlers of the outage in real time: what they call is down while a key says so, and each call is written down.

OUTAGE_URL names the server that has the key `down` and the list `calls`, OUTAGE_JOBS_PER_S the usual load.
"""

import os
import time

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.domain.errors import TransientError
from tests.jobqueue.outages.scenario import Dependency

handlers = Handlers()
_dependency = Dependency(SystemClock(), float(os.environ["OUTAGE_JOBS_PER_S"]))
_client = connect(os.environ["OUTAGE_URL"], cluster=False)


@handlers.handler("charge")
async def charge(job):
    _dependency.down = bool(await _client.exists("down"))
    outcome = "served"
    try:
        _dependency.call()
    except TransientError:
        outcome = "down" if _dependency.down else "refused"
        raise
    finally:
        await _client.rpush("calls", f"{time.time()} charge {outcome} {job.attempt} {job.id}")


@handlers.handler("greet")
async def greet(job):
    now = time.time()
    await _client.rpush("calls", f"{now} greet served {now - job.submitted_at} {job.id}")
