"""A handler whose effect happens once: the operator's manual shows it."""

import os

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_effects import once
from jobqueue.application.handlers import Handlers

# --8<-- [start:deposit]
handlers = Handlers()
redis = connect(os.environ["JOBQUEUE_REDIS_URL"], cluster=False)


@handlers.handler("deposit")
async def deposit(job):
    """Add `{"cents": …}` to the balance of `{"account": …}`, once however often the job is delivered."""

    def effect(transaction):
        transaction.hincrby("balances", job.data["account"], job.data["cents"])

    await once(redis, job, effect, tag="balances")


# --8<-- [end:deposit]
