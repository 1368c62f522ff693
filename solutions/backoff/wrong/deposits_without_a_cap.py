"""Deposits are counted without an upper bound.

Incident: A quiet night of a million successes saves up a hundred thousand retries, and the morning's outage gets them all.
Fails: 5
Says: and a retry costs
"""


class RetryBudget:
    def deposit(self) -> None:
        self._tokens += 1
