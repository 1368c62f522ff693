"""Cost and cap of a purse are taken as they come.

Incident: A budget switched on with `cost: 0` never runs out, which is noticed in the outage that it was meant for.
Fails: 5, 6
Says: cost must be at least 1 and cap at least cost
"""


def _check_purse(cap: int, cost: int) -> None:
    del cap, cost
