"""What a caller may ask for: the rules for a submitted job, whichever way it comes in."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from jobqueue.domain.errors import InvalidJob, PayloadTooLarge
from jobqueue.domain.job import Job

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_parse = json.JSONDecoder().decode
KEY_LIMIT = 200
DELAY_LIMIT_S = 366 * 86400.0


class JobRequest(NamedTuple):
    """A job as a caller submits it.

    Attributes:
        type: Picks the handler; 1 to 64 letters, digits and `_.:-`.
        payload: UTF-8 JSON text, up to the payload limit.
        delay_s: Seconds until the job is ready; from 0 to 366 days.
        key: Idempotency key: of all submits to a queue with the same key, only the first makes a job. At most 200
            characters.
    """

    type: str
    payload: bytes = b"null"
    delay_s: float = 0.0
    key: str = ""


def job_of(
    queue: str,
    request: JobRequest,
    *,
    now: float,
    new_id: Callable[[], str],
    payload_limit: int,
    context: Mapping[str, str],
) -> Job:
    """Return the job of a request, checked. An idempotency key decides the id; otherwise it is a new one.

    Raises:
        InvalidJob: The request breaks a rule; the message says which, and what to do.
    """
    kind, payload, delay_s, key = request
    check_queue(queue)
    if not _NAME.fullmatch(kind):
        raise InvalidJob(f"type must be 1 to 64 letters, digits or _.:- , got {kind[:80]!r}")
    if len(payload) > payload_limit:
        raise PayloadTooLarge(
            f"payload must be at most {payload_limit} bytes, got {len(payload)}; store it elsewhere and "
            "submit where it is"
        )
    if not 0 <= delay_s <= DELAY_LIMIT_S:
        raise InvalidJob(f"delay_s must be from 0 to {DELAY_LIMIT_S:.0f} (366 days), got {delay_s}")
    if len(key) > KEY_LIMIT:
        raise InvalidJob(f"key must be at most {KEY_LIMIT} characters, got {len(key)}; use a digest of it")
    try:
        _parse(payload.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidJob(f"payload must be UTF-8 JSON text: {error}; got {payload[:40]!r}") from error
    return Job(_id_of_key(queue, key) if key else new_id(), queue, kind, payload, 1, now, now + delay_s, key, context)


@lru_cache(maxsize=256)
def check_queue(name: str) -> None:
    """Check the name of a queue, which becomes part of key names.

    Raises:
        InvalidJob: It is empty, too long, or holds other characters.
    """
    if not _NAME.fullmatch(name):
        raise InvalidJob(f"queue must be 1 to 64 letters, digits or _.:- , got {name[:80]!r}")


def _id_of_key(queue: str, key: str) -> str:
    return hashlib.blake2b(f"{queue}\0{key}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
