"""What every test of the project itself shares: no test may write into the learner's history.

A run leaves in `.redrive/proofs.json` how the tests that are proofs came out; the pages read their marks from it.
"""

import os

import pytest

from journal.proofs.record import Recorder

os.environ["REDRIVE_NO_HISTORY"] = "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "against(what, …): what a proof runs against, where its source does not show it")
    config.pluginmanager.register(Recorder(config.rootpath), "journal-proofs")


@pytest.fixture(autouse=True)
def history_elsewhere(tmp_path, monkeypatch):
    """Point the history at a folder of this test, also for the processes that it starts."""
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
