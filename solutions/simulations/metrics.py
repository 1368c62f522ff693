"""What a label costs: the series, samples and bytes of a service that labels its requests, day by day.

The model counts as the exercise's registry does (a test holds the two against each other) and leaves out what does not
change the argument: restarts, and what the monitoring server does to forget.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

Label = Literal["route", "user"]

ROUTES = ("/", "/cart", "/checkout", "/health", "/login", "/orders", "/search", "/static")
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OVERFLOW = "overflow"

SAMPLES_PER_LABEL_SET = 1 + len(BOUNDS_S) + 1 + 2
"""A counter, and a histogram: a sample a bucket, one for +Inf, sum and count."""


@dataclass(frozen=True)
class Growth:
    """What became of a registry.

    Attributes:
        samples: Samples in one scrape at the end of day 1, 2, 3, …
        label_sets: How many label sets have a series of their own at the end, the overflow not counted.
        counted: Requests counted in all series together.
        overflowed: Requests among them that were counted in the overflow series.
        scrape_bytes: Size of one scrape at the end, counter and histogram, in the text format.
    """

    samples: list[int]
    label_sets: int
    counted: int
    overflowed: int
    scrape_bytes: int


def grow(
    label: Label,
    *,
    days: int = 30,
    requests_a_day: int = 2_000,
    sign_ups_a_day: int = 200,
    max_series: int | None = None,
    seed: int = 1,
) -> Growth:
    """Let a service count its requests and their latency with one label, and look at the registry every evening.

    Args:
        label: "route" has eight values for ever, "user" one for each person who ever came.
        days: How long to watch.
        requests_a_day: Requests, each by one of all who have signed up, to one of the routes, both drawn uniformly.
        sign_ups_a_day: New users each morning.
        max_series: Limit of label sets with series of their own; None is no limit.
        seed: Seed of the draws.
    """
    random = Random(seed)
    counts: Counter[str] = Counter()
    samples: list[int] = []
    own, overflowed = 0, 0
    for day in range(1, days + 1):
        for _ in range(requests_a_day):
            user, route = random.randrange(day * sign_ups_a_day), random.choice(ROUTES)
            value = route if label == "route" else str(user)
            if value not in counts:
                if max_series is None or own < max_series:
                    own += 1
                else:
                    value = OVERFLOW
            counts[value] += 1
            overflowed += value == OVERFLOW
        samples.append(len(counts) * SAMPLES_PER_LABEL_SET)
    return Growth(samples, own, counts.total(), overflowed, len(scrape(label, counts).encode()))


def scrape(label: Label, counts: Mapping[str, int]) -> str:
    """Return the text of a scrape: requests_total and request_seconds for each value, every request at 0.05 s."""
    lines = ["# TYPE request_seconds histogram"]
    for value, count in sorted(counts.items()):
        pair = _pair(label, value)
        for bound in (*BOUNDS_S, math.inf):
            le = "+Inf" if bound == math.inf else repr(bound)
            lines.append(f'request_seconds_bucket{{{pair},le="{le}"}} {count if bound >= 0.05 else 0}')
        lines.append(f"request_seconds_sum{{{pair}}} {count * 0.05!r}")
        lines.append(f"request_seconds_count{{{pair}}} {count}")
    lines.append("# TYPE requests_total counter")
    lines.extend(f"requests_total{{{_pair(label, value)}}} {float(count)!r}" for value, count in sorted(counts.items()))
    return "".join(line + "\n" for line in lines)


def _pair(label: Label, value: str) -> str:
    return 'overflow="true"' if value == OVERFLOW else f'{label}="{value}"'


def label_sets(**values: int) -> int:
    """Return how many label sets there can be when each label has so many values: their product."""
    return math.prod(values.values())


def samples_stored_a_day(samples: int, *, every_s: float = 15.0) -> int:
    """Return how many numbers a server that scrapes at this interval (in seconds) stores for one process in a day."""
    return round(samples * 86_400 / every_s)
