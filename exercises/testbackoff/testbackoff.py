"""Tests of a backoff: yours, and they are what is graded.

Write tests of `ceiling_s` and of `full_jitter_s` that accept every correct implementation and refuse every wrong one.
What is correct is said by the docstrings of these two functions in `exercises/backoff/backoff.py`, and by nothing else.

This file is yours: replace each `raise NotImplementedError` and run `pytest exercises/testbackoff`. The run puts one
implementation after another in the place of `exercises.backoff.backoff` and looks what your tests say of it.

- A test is a function. One whose name begins with `test_ceiling` is put to the ceilings, one that begins with
  `test_jitter` to the jitters. A test of the ceiling must not depend on the jitter, nor the other way round.
- Write as many as you like, and whatever else you need beside them. Everything of pytest is there (`parametrize`,
  `raises`, `approx`, fixtures of this file), except classes and a conftest.
- All tests of one kind together have 2 seconds of processor time on one implementation; beyond that, it counts as
  refused.
- What an implementation says in an error's message, which subclass of ValueError it raises, and how it draws are its
  own affair. So is whether `ceiling_s` returns `30` or `30.0`.
"""

from random import Random

import pytest

from exercises.backoff.backoff import ceiling_s, full_jitter_s


def test_ceiling_of_the_first_attempts() -> None:
    """Accept every correct ceiling (step 1), and refuse every wrong one (step 2, with more tests below this one)."""
    raise NotImplementedError("step 1: tests of the ceiling")


def test_jitter_of_one_attempt() -> None:
    """Accept every correct jitter (step 3), and refuse every wrong one (step 4, with more tests below this one)."""
    raise NotImplementedError("step 3: tests of the jitter")
