"""One real Valkey server for all tests of this folder, emptied for each.

It listens on a Unix socket and nowhere else, so any number of test runs on one machine stay out of each other's way.
"""

import tempfile
from pathlib import Path

import pytest
import redis

from jobqueue.adapters.embedded_valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def lesson_server():
    """Start a server when the first test asks for one."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), append_only=False) as server:
        yield server


@pytest.fixture
def valkey_url(lesson_server):
    """Return the address of the server, which holds nothing."""
    with redis.Redis.from_url(lesson_server.url) as client:
        client.flushall()
    return lesson_server.url
