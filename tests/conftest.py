"""What every test of the project itself shares: no test may write into the learner's history."""

import os

import pytest

os.environ["REDRIVE_NO_HISTORY"] = "1"


@pytest.fixture(autouse=True)
def history_elsewhere(tmp_path, monkeypatch):
    """Point the history at a folder of this test, also for the processes that it starts."""
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
