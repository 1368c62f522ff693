"""The command line every peer script has, and how it reports."""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

logging.basicConfig(level=logging.ERROR)


def parse() -> argparse.Namespace:
    """Parse what the measuring process asks of a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("act", choices=["enqueue", "pace", "worker"])
    parser.add_argument("--url", default=os.environ.get("BENCH_URL"))
    parser.add_argument("--tally", default=os.environ.get("BENCH_TALLY"))
    parser.add_argument("--kind", default="noop", choices=["noop", "sleep5", "stamp"])
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--way", default="one", choices=["one", "hundred", "bulk", "front"])
    parser.add_argument("--concurrency", type=int, default=10)
    parser.add_argument("--front", help="address of the gRPC front, for the way of that name")
    return parser.parse_args()


def report(jobs: int, body: Callable[[], None]) -> None:
    """Run `body`, and print its rate and CPU seconds as one JSON line."""
    cpu, wall = time.process_time(), time.perf_counter()
    body()
    wall_s = time.perf_counter() - wall
    print(json.dumps({"jobs_per_s": jobs / wall_s, "cpu_s": time.process_time() - cpu, "wall_s": wall_s}))


def paced(n: int, each: Callable[[], None], *, per_s: int = 100) -> None:
    """Call `each` n times, `per_s` a second, on a fixed grid so that a slow call is not forgiven."""
    begun = time.perf_counter()
    for i in range(n):
        wait = begun + i / per_s - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        each()
