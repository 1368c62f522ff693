"""What a scrape meets: a live dict that grows while it is read, and a text that parses and is wrong."""

WRONG_BUT_PARSED = """\
wait_seconds_bucket{le="0.1"} 5
wait_seconds_bucket{le="1.0"} 3
wait_seconds_count 5
wait_seconds_sum 2.0
jobs_total 1
jobs_total 2"""
"""Buckets that shrink and lack `+Inf`, a series given twice, and no TYPE line."""


def count_while_reading(counters: dict[str, float]) -> list[str]:
    """Read the keys of `counters`, to which a worker adds a series meanwhile; return the keys that were read.

    Raises:
        RuntimeError: The dict has changed its size.
    """
    read = []
    for key in counters:
        counters["errors_total"] = 1.0
        read.append(key)
    return read
