"""`journal site` as a process: it builds, says where it is, answers, stops on Ctrl+C, and is back at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Ctrl+C is sent as a signal")


@contextmanager
def running(root, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", "from journal.cli import main; main()", "site", *arguments],
        cwd=root,
        env={**os.environ, "REDRIVE_ROOT": str(root), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def address(process):
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"Redrive is at (http://127\.0\.0\.1:\d+/)", line):
            return found[1], "".join(said)
    raise AssertionError(f"no address was printed:\n{''.join(said)}")


def test_site_builds_once_and_a_second_start_serves_at_once(journal_site):
    with running(journal_site.path) as process:
        url, said = address(process)
        assert "built build/site in" in said
        with urllib.request.urlopen(f"{url}journal/month-05/week-04/", timeout=10) as answer:
            assert b"3.3/5" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
        assert "stopped" in process.stdout.read()
    with running(journal_site.path) as process:
        _, said = address(process)
        assert "built" not in said


def test_site_with_a_fault_in_the_content_says_where_and_serves_nothing(journal_site):
    journal_site.change("docs/quizzes/backoff.yml", "    answer: What is transient.\n", "")
    with running(journal_site.path) as process:
        said = process.stdout.read()
        assert process.wait(timeout=10) == 1
    assert "card 'backoff-03' has no answer" in said
    assert "docs/quizzes/backoff.yml:" in said
    assert "Traceback" not in said
