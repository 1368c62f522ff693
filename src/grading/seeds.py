"""Which seeds a test runs under: a decorator, the fixture's iterator, and the two environment variables.

`REDRIVE_SEED=17` runs exactly that seed again. `REDRIVE_SEEDS_FROM=1001` starts a sweep elsewhere: a test for 50 seeds
then runs 1001 to 1050.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])


def _number(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise SystemExit(f"{name} must be a whole number, got {text!r}; leave it out for the usual seeds") from None


def seeds_for(count: int) -> list[int]:
    """List the seeds that a test for `count` seeds runs under."""
    only = _number("REDRIVE_SEED")
    if only is not None:
        return [only]
    first = _number("REDRIVE_SEEDS_FROM") or 1
    return list(range(first, first + count))


def for_seeds(count: int) -> Callable[[Test], Test]:
    """Run the decorated test `count` times, each time under another seed with a fresh server, network and loop."""

    def mark(test: Test) -> Test:
        test.redrive_seeds = count  # type: ignore[attr-defined]
        return test

    return mark
