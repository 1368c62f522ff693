"""A worker process that takes one job from a Redis list and never finishes it; a test kills it.

python killed_worker.py URL READY PROCESSING pop|move
"""

import sys
from typing import Any

import redis


def take(client: Any, ready: str, processing: str, how: str) -> bytes:
    """Take the next entry: "pop" removes it, "move" moves it into the processing list in one command."""
    if how == "pop":
        return bytes(client.rpop(ready))
    return bytes(client.lmove(ready, processing, "RIGHT", "LEFT"))


if __name__ == "__main__":
    print(take(redis.Redis.from_url(sys.argv[1]), *sys.argv[2:5]).decode(), flush=True)
    sys.stdin.read()  # the job runs, and runs, and is never finished
