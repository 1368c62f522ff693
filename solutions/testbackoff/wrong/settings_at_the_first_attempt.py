"""Bad settings are tried at the first attempt alone.

Incident: Settings that only the first attempt looks at go out with a green build, and a job that is taken over later meets them.
Fails: 2
Says: taken over at its third attempt
"""

BAD = [
    (0, 0.5, 30.0),
    (-3, 0.5, 30.0),
    (1, 0.0, 30.0),
    (1, -1.0, 30.0),
    (1, math.nan, 30.0),
    (1, math.inf, math.inf),
    (1, 0.5, 0.4),
    (1, 0.5, math.nan),
    (1, 0.5, math.inf),
]
