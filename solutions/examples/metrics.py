"""Labelled counters that several threads can trust: one key for one series, one lock, and a snapshot that is a copy.

Run it: `python solutions/examples/metrics.py`. Standard library only. The lessons of Day 138 work other examples; the
exercise `metrics` goes on from here with histograms, the text format and a fleet's totals.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def series_key(name: str, labels: Mapping[str, str]) -> str:
    """Return one text for one series: labels sorted, values escaped, so that equal labels give equal keys."""
    pairs = []
    for label in sorted(labels):
        value = labels[label].replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        pairs.append(f'{label}="{value}"')
    return f"{name}{{{','.join(pairs)}}}" if pairs else name


class Counters:
    """Counters by series; each name has at most `max_series` of its own, the rest is counted as overflow."""

    def __init__(self, max_series: int = 100) -> None:
        self._max_series = max_series
        self._totals: dict[str, float] = {}
        self._series_of: dict[str, int] = {}
        self._lock = threading.Lock()

    def inc(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Add to one counter. Finding the series and adding to it is one step under the lock, not two."""
        key = series_key(name, labels)
        with self._lock:
            if key not in self._totals:
                if self._series_of.get(name, 0) < self._max_series:
                    self._series_of[name] = self._series_of.get(name, 0) + 1
                else:
                    key = series_key(name, {"overflow": "true"})
            self._totals[key] = self._totals.get(key, 0.0) + amount

    def snapshot(self) -> dict[str, float]:
        """Return a copy: it does not change while somebody prints it, and changing it changes nothing here."""
        with self._lock:
            return dict(self._totals)


class Unsorted(Counters):
    """The mistake, to compare with: the key follows the order in which the caller wrote the labels."""

    def inc(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Add to one counter, whose key depends on who calls."""
        key = name + "".join(f",{label}={value}" for label, value in labels.items())
        with self._lock:
            self._totals[key] = self._totals.get(key, 0.0) + amount


def count_from_threads(counters: Counters, threads: int, each: int) -> None:
    """Let every thread count the same series, half of them with the labels in the other order."""

    def work(number: int) -> None:
        labels = {"queue": "mail", "status": "ok"} if number % 2 else {"status": "ok", "queue": "mail"}
        for _ in range(each):
            counters.inc("jobs_total", labels)

    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def main() -> None:
    """Count from four threads, with sorted and unsorted labels; then add a label without bounds."""
    counters, unsorted = Counters(), Unsorted()
    count_from_threads(counters, threads=4, each=1000)
    count_from_threads(unsorted, threads=4, each=1000)
    for key, total in counters.snapshot().items():
        print(f"{key} {total:g}")
    print(f"series with unsorted labels: {len(unsorted.snapshot())}")

    before = counters.snapshot()
    for user in range(5000):
        counters.inc("logins_total", {"user": str(user)})
    after = counters.snapshot()
    logins = {key: total for key, total in after.items() if key.startswith("logins_total")}
    print(f"users: 5000, series: {len(logins)}, logins counted: {sum(logins.values()):g}")
    print(f"series in the earlier snapshot: {len(before)}")


if __name__ == "__main__":
    main()
