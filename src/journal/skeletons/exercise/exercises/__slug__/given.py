"""What the tests of __slug__ put in; the files of all steps share it."""

from __future__ import annotations

VALUES = (0, 2, 3, -7)
EVERY_NUMBER_WRONG = "every number that is built on it is wrong"
