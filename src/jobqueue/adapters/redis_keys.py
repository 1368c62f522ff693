"""The names of all keys, in one place; the queue is the hash tag, so the keys of a queue share a cluster slot."""

from functools import lru_cache
from typing import NamedTuple


# --8<-- [start:keys]
class QueueKeys(NamedTuple):
    """The keys of one queue. A job's state is the structure that holds its id; its record is kept once."""

    records: str  # hash: id → record, for every job in any state
    ready: str  # list of ids: head is next, submits and promotions go to the tail
    scheduled: str  # sorted set: id of a delayed job, or of one whose lease lapsed, score = due instant
    retries: str  # sorted set: id of a job to be retried, score = due instant; its state is scheduled, too
    retry_order: str  # sorted set, all scores 0: type, due instant, id, for every id in retries
    admission: str  # hash: what decides how many retries of a type are admitted
    leases: str  # sorted set: id, score = end of the lease; this is the running set
    tokens: str  # hash: id → lease token, for every id in leases
    done: str  # sorted set: id, score = done instant
    dead: str  # sorted set: id, score = death instant
    keys: str  # sorted set: id of a job with an idempotency key, score = when the key is forgotten


@lru_cache(maxsize=256)
def queue_keys(queue: str) -> QueueKeys:
    """Return the key names of a queue; all scores are milliseconds since the epoch."""
    return QueueKeys(*(f"jobqueue:{{{queue}}}:{name}" for name in QueueKeys._fields))


# --8<-- [end:keys]
