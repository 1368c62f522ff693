"""The purse pays as long as it is not empty, even if less than the cost is left.

Incident: Under trickling successes each token buys a whole retry: a limit of 10 % becomes one of 100 %.
Fails: 5
Says: and a retry costs
"""


class RetryBudget:
    def spend(self) -> bool:
        if self._tokens <= 0:
            return False
        self._tokens = max(0, self._tokens - self._cost)
        return True
