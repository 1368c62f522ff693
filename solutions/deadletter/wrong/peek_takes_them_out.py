"""Looking at the dead letters takes them off the list.

Incident: Somebody looks at the dead letters to see what happened. Nobody else can see it any more, and there is
  nothing to re-drive.
Fails: 6
Says: sees something else than is there
"""


async def peek(redis: Redis, *, limit: int) -> list[dict[str, Any]]:
    return [json.loads(record) for record in await redis.lpop(DEAD, limit) or []]
