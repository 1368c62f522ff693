"""__title__: another solution, built differently, that must pass as well."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    return value + value
