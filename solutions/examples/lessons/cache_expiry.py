import random
from collections import Counter


def busiest_second(expiries_s: list[float]) -> int:
    return max(Counter(int(expiry_s) for expiry_s in expiries_s).values())


rng = random.Random(137)
together = [3600.0 for _ in range(10_000)]
spread = [3600.0 - rng.uniform(0, 600) for _ in range(10_000)]
print(busiest_second(together), busiest_second(spread))
