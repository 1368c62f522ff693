"""Ends an embedded Valkey whose process of origin was killed: it goes on by design, and a test must not leave it."""

import contextlib
import os
import signal
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def end_left_over_valkey(data_folder):
    """End the server that still answers in this data folder, if one does, and return when it is gone."""
    try:
        # redis-py would ask four times, for four seconds, where mostly nobody is left.
        once = Retry(NoBackoff(), 0)
        with redis.Redis(unix_socket_path=str(data_folder / "valkey.sock"), retry=once) as client:
            pid = client.info("server")["process_id"]
    except redis.exceptions.ConnectionError:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    give_up_at = time.monotonic() + 10
    while _lives(pid):
        assert time.monotonic() < give_up_at, f"Valkey {pid} does not end"
        time.sleep(0.02)


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
