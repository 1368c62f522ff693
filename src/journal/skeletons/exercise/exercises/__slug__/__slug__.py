"""__title__: what this module is for, in one sentence.

The docstrings are the specification. Run `pytest exercises/__slug__` after every step.
"""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    raise NotImplementedError("step 1: double it")
