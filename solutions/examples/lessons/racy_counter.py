"""Counters that lose increments: what the page on races looks for, with and without luck."""


class InPlace:
    """Reads, adds and writes in one line, with nothing between at which an interpreter with a GIL would switch."""

    def __init__(self) -> None:
        self.totals = {"jobs_total": 0}

    def inc(self, key: str) -> None:
        self.totals[key] += 1


# --8<-- [start:with-call]
class WithCall(InPlace):
    def inc(self, key: str) -> None:
        self.totals[key] = self.totals.get(key, 0) + 1


# --8<-- [end:with-call]
