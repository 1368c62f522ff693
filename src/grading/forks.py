"""A process that has started once and is forked for each request: most of a short run is its start.

Both ends talk in messages over pipes: four bytes of length, then JSON. A request holds `limits`, `real_s` and, unless
None, `cpu_s`: seconds. An answer is `{"answer": …}`, or `{"ended": exit status}` when the fork ended without one, or
`{"late": true}` when it took too long and was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import time
from collections.abc import Callable
from typing import Any


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Write one message."""
    data = json.dumps(message).encode()
    data = struct.pack("!I", len(data)) + data
    while data:
        data = data[os.write(descriptor, data) :]


def receive(descriptor: int, limit_s: float | None = None) -> dict[str, Any]:
    """Read one message.

    Raises:
        EOFError: the other end is gone.
        TimeoutError: it takes longer than the limit.
    """
    until = None if limit_s is None else time.monotonic() + limit_s
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack("!I", data[:4])[0]:
        left_s = None if until is None else max(0.0, until - time.monotonic())
        if not select.select([descriptor], [], [], left_s)[0]:
            raise TimeoutError
        wanted = 4 - len(data) if len(data) < 4 else 4 + struct.unpack("!I", data[:4])[0] - len(data)
        part = os.read(descriptor, min(65536, wanted))
        if not part:
            raise EOFError
        data += part
    message: dict[str, Any] = json.loads(data[4:])
    return message


def serve(
    requests: int, answers: int, *, before: Callable[[dict[str, Any]], object] | None = None, apart: bool = True
) -> tuple[dict[str, Any], int]:
    """Fork for each request until the one who asks has gone, and then end this process.

    Args:
        requests: where requests come from.
        answers: where answers go.
        before: called with each request before the fork, for work that later forks need not repeat.
        apart: whether each fork is a process group of its own, which is killed as a whole.

    Returns:
        In the forks alone: the request, and the descriptor that takes the answer.
    """
    while True:
        try:
            request = receive(requests)
        except EOFError:
            os._exit(0)
        if before is not None:
            before(request)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            if apart:
                os.setsid()
            for descriptor in (reader, requests, answers):
                os.close(descriptor)
            if request["limits"]["cpu_s"] is not None:
                _limit_processor_time(request["limits"]["cpu_s"])
            return request, writer
        os.close(writer)
        send(answers, _answer_of(child, reader, request["limits"]["real_s"], apart=apart))


def _answer_of(child: int, reader: int, limit_s: float, *, apart: bool) -> dict[str, Any]:
    status: int | None = None
    try:
        return {"answer": receive(reader, limit_s)}
    except EOFError:
        status = os.waitpid(child, 0)[1]
        return {"ended": os.waitstatus_to_exitcode(status)}
    except TimeoutError:
        return {"late": True}
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if apart else os.kill)(child, signal.SIGKILL)
        if status is None:
            os.waitpid(child, 0)


def _limit_processor_time(limit_s: int) -> None:
    import resource  # noqa: PLC0415 - Windows has none

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or hard > limit_s:
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, hard))
