"""No setting that is `nan` is tried.

Incident: A setting computed as 0/0 gets past the tests and makes the retry loop spin.
Fails: 2
Says: asyncio sleeps for no time at all
"""

BAD = [
    (0, 0.5, 30.0),
    (-3, 0.5, 30.0),
    (1, 0.0, 30.0),
    (1, -1.0, 30.0),
    (1, math.inf, math.inf),
    (1, 0.5, 0.4),
    (1, 0.5, math.inf),
    (5, 0.5, math.inf),
]
