"""The fixtures that a test of an exercise can ask for: `redis`, `network`, `seed` and `seeds`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from grading.network import Network
from grading.seeds import seeds_for


class Seeds:
    """Iterate over fresh networks inside one test: `async for network in seeds(50): …`."""

    def __init__(self) -> None:
        self.current: int | None = None

    async def __call__(self, count: int) -> AsyncIterator[Network]:
        """Yield `count` networks, each under another seed and with limits of its own."""
        import asyncio  # noqa: PLC0415

        for seed in seeds_for(count):
            self.current = seed
            network = Network(seed)
            await network.open()
            limits = getattr(asyncio.get_running_loop(), "fresh_limits", None)
            if limits is not None:
                limits()
            yield network
            await network.close()
        self.current = None

    def numbers(self, count: int) -> Iterator[int]:
        """Iterate over bare seeds, for tests without a network."""
        for seed in seeds_for(count):
            self.current = seed
            yield seed
        self.current = None


@pytest.fixture
def seed() -> int:
    """The seed of this run of the test; `for_seeds` replaces it."""
    return seeds_for(1)[0]


@pytest.fixture
def network(seed: int) -> Network:
    """A Redis server of its own behind a seeded network."""
    return Network(seed)


@pytest.fixture
def redis(network: Network) -> Any:
    """A connected `redis.asyncio.Redis` on that server."""
    return network.redis


@pytest.fixture
def seeds() -> Seeds:
    """Give the source of fresh networks that `async for` runs over."""
    return Seeds()
