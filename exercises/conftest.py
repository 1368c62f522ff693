"""Let `grading`, the engine in `src/`, grade every run of the exercises."""

import sys
from pathlib import Path

import pytest

EXERCISES = Path(__file__).resolve().parent
# Before anything that is installed: these tests and the engine beside them belong together.
sys.path.insert(0, str(EXERCISES.parent / "src"))

from grading import loading  # noqa: E402 - it is found from here on

loading.refuse_an_unfit_pytest()


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin that runs and reports the tests below this folder."""
    loading.load(config, EXERCISES)
