"""A connection that breaks during an acknowledgement counts as acknowledged.

Incident: The command had not arrived. The worker goes on as if the job were off its list; when it is recovered, the job
  runs again, and nothing in the log says why.
Fails: 1
Says: is in w1's list still
"""

from redis.exceptions import ConnectionError as BrokenConnectionError


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    try:
        removed: int = await redis.lrem(processing(worker), 1, entry)
    except BrokenConnectionError:
        return True
    return removed == 1
