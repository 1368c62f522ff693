"""Sample handlers, so that a first `jobqueue serve` has something to run. Put yours into your own module."""

import asyncio

import structlog

from jobqueue.application.handlers import Handlers
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import Job

# --8<-- [start:samples]
handlers = Handlers()


@handlers.handler("echo")
async def echo(job: Job) -> None:
    """Log the payload."""
    structlog.get_logger().info("echo", payload=job.data)


@handlers.handler("sleep")
async def sleep(job: Job) -> None:
    """Wait for `{"seconds": …}`: something to watch running, or to drain."""
    await asyncio.sleep(float(job.data["seconds"]))


@handlers.handler("flaky")
async def flaky(job: Job) -> None:
    """Fail for the first `{"failures": …}` attempts, then succeed: watch the retries."""
    if job.attempt <= int(job.data["failures"]):
        raise TransientError(f"attempt {job.attempt} fails, as it was asked to")


@handlers.handler("fail")
async def fail(job: Job) -> None:
    """Fail for good: look for it with `jobqueue dead list`."""
    raise PermanentError(str(job.data))


# --8<-- [end:samples]


@handlers.handler("noop")
async def noop(job: Job) -> None:
    """Do nothing: for measurements."""
