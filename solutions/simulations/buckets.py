"""A histogram's buckets, and the quantile that can be read from them beside the true one."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from random import Random
from typing import Literal

Shape = Literal["one hump", "two humps", "just under a bound"]

SHAPES: tuple[Shape, ...] = ("one hump", "two humps", "just under a bound")


def latencies_s(shape: Shape, *, count: int = 4_000, seed: int = 1) -> list[float]:
    """Return so many latencies in seconds, sorted.

    "one hump" is log-normal around 80 ms; "two humps" has a fifth of calls around 1.2 s, as a cache does whose misses
    go to a database; "just under a bound" lies between 220 and 250 ms.
    """
    random = Random(seed)

    def draw() -> float:
        if shape == "just under a bound":
            return random.uniform(0.22, 0.25)
        if shape == "one hump":
            return random.lognormvariate(math.log(0.08), 0.5)
        slow = random.random() < 0.2
        return random.lognormvariate(math.log(1.2 if slow else 0.05), 0.2 if slow else 0.4)

    return sorted(draw() for _ in range(count))


def true_quantile_s(values: Sequence[float], q: float) -> float:
    """Return the smallest of the sorted `values` that at least a share `q` of them does not exceed."""
    return values[max(0, math.ceil(q * len(values)) - 1)]


def counts(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """Return how many values fall into each bucket: up to the first bound, up to the second, …, above the last."""
    found = [0] * (len(bounds) + 1)
    for value in values:
        found[bisect_left(bounds, value)] += 1
    return found


def estimated_quantile_s(bucket_counts: Sequence[int], bounds: Sequence[float], q: float) -> float:
    """Return the quantile that Prometheus' `histogram_quantile` reads from classic buckets.

    It assumes that values are spread evenly inside a bucket, and answers the last bound for anything above it.

    Args:
        bucket_counts: from `counts`.
        bounds: upper bounds in seconds, ascending, the infinite one left out.
        q: from 0 to 1.
    """
    rank, seen, below = q * sum(bucket_counts), 0, 0.0
    for count, bound in zip(bucket_counts, bounds, strict=False):
        if count and seen + count >= rank:
            return below + (bound - below) * (rank - seen) / count
        seen, below = seen + count, bound
    return bounds[-1]
