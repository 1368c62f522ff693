"""Values that the tests of several steps of __slug__ use."""

from __future__ import annotations

VALUES = (0, 2, 3, -7)
EVERY_NUMBER_WRONG = "every number that is built on it is wrong"
