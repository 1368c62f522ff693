"""Base and cap are tried as one sets them on an ordinary day.

Incident: A base of a millisecond with a cap of an hour, and a cap that equals the base, are first tried by production.
Fails: 2
Says: every 17 minutes
"""

BOUNDS = [(0.5, 30.0), (1.0, 64.0), (3.0, 100.0)]
