"""Tests of a backoff: yours, and they are what is graded.

Write tests of `ceiling_s` and of `full_jitter_s` that accept every correct implementation and refuse every wrong one.
The docstrings of these two functions in `exercises/backoff/backoff.py` say what is correct.

This file is yours: replace each `raise NotImplementedError` and run `pytest exercises/testbackoff`. The run imports one
implementation after another as `exercises.backoff.backoff` and runs your tests on it.

- A test is a function. The run uses functions named `test_ceiling…` on the ceilings and functions named `test_jitter…`
  on the jitters. A test of the ceiling must not depend on the jitter, nor the other way round.
- Use everything of pytest (`parametrize`, `raises`, `approx`, fixtures in this file), except classes and a conftest.
- All tests of one kind together have 2 seconds of processor time on one implementation. An implementation that takes
  longer counts as refused.
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
