"""The entry is the bare payload.

Incident: Two customers order the same thing in the same minute: one value, twice in the list. Nothing can acknowledge
  one of them, and nothing can tell a second delivery from a second order.
Fails: 1
Says: without the id
"""


async def submit(redis: Redis, job_id: str, payload: Any, *, now_s: float) -> None:
    job = {"id": job_id, "payload": payload, "submitted_at_s": now_s, "attempts": 0, "errors": []}
    await redis.lpush(READY, _encode(job["payload"]))
