"""Retries that help: capped doubling, full jitter, and no attempt spent on what cannot succeed.

Run it: `python solutions/examples/retry.py`. Standard library only; the clock is a number that sleeping advances, the
random source is seeded. The lessons of Day 137 work other examples.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BASE_S, CAP_S = 0.1, 10.0


class UnknownCustomerError(Exception):
    """Permanent: asking again changes nothing."""


def ceiling_s(attempt: int, base_s: float = BASE_S, cap_s: float = CAP_S) -> float:
    """Return the longest wait before the next attempt: base doubled for each attempt after the first, never above cap.

    Capping inside the loop ends it after a few rounds, and no number ever gets big enough to overflow.
    """
    delay_s = base_s
    for _ in range(attempt - 1):
        if delay_s >= cap_s:
            break
        delay_s *= 2
    return min(delay_s, cap_s)


def full_jitter_s(attempt: int, rng: random.Random) -> float:
    """Draw the wait uniformly from 0 to the ceiling, so that those who failed together do not come back together."""
    return rng.uniform(0.0, ceiling_s(attempt))


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: only what is known to pass, found through the chain of causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, UnknownCustomerError):
            return False
        if isinstance(link, (ConnectionError, TimeoutError)):
            return True
        link = link.__cause__
    return False


@dataclass
class Clock:
    """A clock that only sleeping moves."""

    now_s: float = 0.0

    def sleep(self, delay_s: float) -> None:
        """Let time pass."""
        self.now_s += delay_s


def retry(
    call: Callable[[int], str], clock: Clock, rng: random.Random, attempts: int = 6, within_s: float = 30.0
) -> str:
    """Call until it succeeds, the error is permanent, the attempts are used up or the next wait passes the deadline.

    The error that leaves is the last one itself, with a note for every attempt.
    """
    deadline_s = clock.now_s + within_s
    notes: list[str] = []
    attempt = 1
    while True:
        try:
            return call(attempt)
        except Exception as error:
            notes.append(f"attempt {attempt} at {clock.now_s:.3f} s: {error!r}")
            wait_s = full_jitter_s(attempt, rng)
            if not is_transient(error) or attempt == attempts or clock.now_s + wait_s > deadline_s:
                for note in notes:
                    error.add_note(note)
                raise
        clock.sleep(wait_s)
        attempt += 1


def flaky(attempt: int) -> str:
    """Answer at the fourth attempt."""
    if attempt < 4:
        raise TimeoutError("no answer within 1 s")
    return "paid"


def unknown(_attempt: int) -> str:
    """Fail in a way that looks like the network and is not."""
    raise RuntimeError("charge failed") from UnknownCustomerError("customer 8 does not exist")


def busiest_slot(clients: int, rng: random.Random | None) -> int:
    """Return how many clients, all failed at 0 s, come back within the same 100 ms, over their next three attempts."""
    slots: Counter[int] = Counter()
    for _ in range(clients):
        at_s = 0.0
        for attempt in (3, 4, 5):
            at_s += full_jitter_s(attempt, rng) if rng else ceiling_s(attempt)
            slots[int(at_s / 0.1)] += 1
    return max(slots.values())


def main() -> None:
    """Print the ceilings, one retried call, one that is given up at once, and a herd with and without jitter."""
    print("ceilings:", *(f"{ceiling_s(attempt):g}" for attempt in (1, 2, 3, 7, 8, 1_000_000_000)))
    clock = Clock()
    print(f"flaky: {retry(flaky, clock, random.Random(137))} after {clock.now_s:.3f} s of waiting")
    try:
        retry(unknown, Clock(), random.Random(137))
    except RuntimeError as error:
        print(f"permanent: {error} after {len(error.__notes__)} attempt")
    print(f"busiest 100 ms of 1000 clients: {busiest_slot(1000, None)} without jitter", end=", ")
    print(f"{busiest_slot(1000, random.Random(137))} with full jitter")


if __name__ == "__main__":
    main()
