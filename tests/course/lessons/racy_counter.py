"""Counters that lose increments: what the lesson of Day 138 looks for, with and without luck."""


# --8<-- [start:in-place]
class InPlace:
    """Read, add and write in one line, with nothing between at which a GIL interpreter would switch threads."""

    def __init__(self):
        self.totals = {"jobs_total": 0}

    def inc(self, key):
        self.totals[key] += 1


# --8<-- [end:in-place]


# --8<-- [start:with-call]
class WithCall(InPlace):
    """The same race, with a call between read and write: after a call the interpreter may switch."""

    def inc(self, key):
        self.totals[key] = self.totals.get(key, 0) + 1


# --8<-- [end:with-call]
