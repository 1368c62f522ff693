"""peek shows no more than a hundred records, whatever limit is.

Incident: The nightly report counts the dead letters with peek(limit=10_000). It said "100" on the day when 4,000 died.
Fails: 6
Says: a thousand older records
"""


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    return [json.loads(record) for record in await redis.lrange(DEAD, 0, min(limit, 100) - 1)]
