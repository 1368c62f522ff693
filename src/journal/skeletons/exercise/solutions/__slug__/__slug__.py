"""__title__: a solution."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    return 2 * value
