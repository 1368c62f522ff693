"""How long work waits before it is served: the M/M/c queue, by formula and by simulation.

Arrivals are random (Poisson), service times are random (exponential), and `workers` serve from one line. The formula is
A. K. Erlang's second (Erlang C, 1917); J. D. C. Little's law says that the number waiting is the arrival rate times the
mean wait.
"""

import heapq
import math
from random import Random


def chance_of_waiting(workers: int, utilisation: float) -> float:
    """Return the share of jobs that find every worker busy: Erlang C.

    Args:
        workers: 1 or more.
        utilisation: arrival rate times mean service time, divided by the workers; from 0 to below 1.

    Raises:
        ValueError: the utilisation is not in these bounds; at 1 or above the line grows without end.
    """
    if not 0 <= utilisation < 1:
        raise ValueError(f"utilisation must be from 0 to below 1, got {utilisation}; at 1 the line never stops growing")
    offered = workers * utilisation
    blocked = 1.0  # Erlang B, by its recurrence, which doesn't overflow
    for servers in range(1, workers + 1):
        blocked = offered * blocked / (servers + offered * blocked)
    return blocked / (1 - utilisation * (1 - blocked))


def mean_wait_s(workers: int, utilisation: float, service_s: float) -> float:
    """Return how long a job waits before a worker takes it, on average, in seconds."""
    return chance_of_waiting(workers, utilisation) * service_s / (workers * (1 - utilisation))


def simulated_wait_s(
    workers: int, utilisation: float, service_s: float, *, jobs: int = 200_000, seed: int = 1
) -> float:
    """Return the mean wait of so many simulated jobs, in seconds; the formula's check."""
    random = Random(seed)
    rate = workers * utilisation / service_s
    free_at_s = [0.0] * workers
    now_s, waits = 0.0, []
    for _ in range(jobs):
        now_s += random.expovariate(rate)
        starts_s = max(now_s, heapq.heappop(free_at_s))
        waits.append(starts_s - now_s)
        heapq.heappush(free_at_s, starts_s + random.expovariate(1 / service_s))
    return math.fsum(waits) / jobs
