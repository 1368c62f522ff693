"""A payload that is false counts as no payload, and becomes an empty object.

Incident: A job "set the discount to 0" arrives without the 0, and its handler takes the default.
Fails: 1
Says: the payloads [None, False, 0
"""


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    job = {"id": job_id, "payload": payload or {}, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job))
