"""A connection that breaks while a job is submitted is caught, so that the shop does not fail.

Incident: The queue's server restarts. For a minute the shop tells its customers that their orders are accepted, and none
  of them is in the queue.
Fails: 1
Says: the order was accepted
"""

from redis.exceptions import ConnectionError as BrokenConnectionError


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    try:
        await redis.lpush(READY, _encode(job))
    except BrokenConnectionError:
        pass
