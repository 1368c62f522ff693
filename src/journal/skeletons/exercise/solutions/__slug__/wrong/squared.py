"""The value is squared, which looks right for 0 and 2.

Incident: the numbers on the first day's dashboard looked plausible, and every larger one was wrong.
Fails: 1
Says: doubled(3)
"""


def doubled(value: int) -> int:
    return value**2
