"""The tokens are kept on the class, so all budgets of the process are one.

Incident: One dependency that is down takes away the retries of all the others.
Fails: 5
Says: two RetryBudget
"""


class RetryBudget:
    def __init__(self, *, cap: int, cost: int) -> None:
        _check_purse(cap, cost)
        self._cap = cap
        self._cost = cost
        type(self)._tokens = cap

    def spend(self) -> bool:
        if self._tokens < self._cost:
            return False
        type(self)._tokens -= self._cost
        return True

    def deposit(self) -> None:
        type(self)._tokens = min(self._cap, self._tokens + 1)
