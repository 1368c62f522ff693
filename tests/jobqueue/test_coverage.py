"""Unit and contract tests alone reach every branch of what decides: `jobqueue.domain` and `jobqueue.application`.

They run once more here, in one process, on the memory store; what may be left out stands in pyproject.toml with its
reason.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ("tests/jobqueue/unit", "tests/jobqueue/contract")
ON_OTHER_STORES = "not valkey and not fakeredis and not cluster"


def run(*command, data):
    environment = {**os.environ, "COVERAGE_FILE": str(data), "REDRIVE_NO_HISTORY": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_unit_and_contract_tests_reach_every_branch_of_domain_and_application(tmp_path):
    data = tmp_path / "coverage"
    options = ("-q", "-p", "no:cacheprovider", "-m", "not long", "-k", ON_OTHER_STORES)
    tested = run("coverage", "run", "-m", "pytest", *options, *TESTS, data=data)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    report = run("coverage", "report", data=data)
    assert report.returncode == 0, report.stdout + report.stderr
