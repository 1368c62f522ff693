"""A small journal of its own for each test that asks for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

DECK = """\
topic: backoff
title: Retries and backoff
cards:
  - id: backoff-01
    question: |
      What does full jitter draw?
    answer: |
      A delay uniform between zero and the ceiling.
    lesson: lessons/day-137-retries.md#full-jitter
    step: backoff/2
    adr: 4
    proof: tests/course/lessons/test_retries.py::test_herd
  - id: backoff-02
    kind: predict
    question: Two clients fail at once, without jitter. When do they meet again?
    answer: At every retry.
    lesson: lessons/day-137-retries.md#full-jitter
    step: backoff/2
  - id: backoff-03
    question: What may be retried?
    answer: What is transient.
    lesson: lessons/day-137-retries.md#what-to-retry
"""

# As in this project: the Hypothesis plugin takes longer to load than these few tests take to run.
PYTEST = '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["-p", "no:hypothesispytest"]\n'

FILES = {
    "pyproject.toml": (
        f'[project]\nname = "redrive"\n\n[tool.journal]\nname = "redrive"\ntitle = "Redrive"\n\n{PYTEST}'
    ),
    "docs/quizzes/backoff.yml": DECK,
    "docs/lessons/day-137-retries.md": """\
---
title: Retries
description: How to retry.
day: 137
exercise: backoff
deck: backoff
adrs: [4]
---

# Retries

## Full jitter

Spread them. Proof: `tests/course/lessons/test_retries.py::test_herd`

Decided in [ADR 4](../adr/0004-full-jitter.md).

## What to retry

```
# no heading
```

## Related

```chain
```
""",
    "docs/adr/0004-full-jitter.md": """\
---
title: Full jitter
description: Why.
status: accepted
date: 2026-11-20
---

# Full jitter

## Confirmation

The herd is flat. Proof: `tests/course/lessons/test_retries.py::test_herd`

## Related

```chain
```
""",
    "docs/journal/month-05/week-04.md": """\
---
title: Month 5 · Week 4
description: The week of the capstone.
month: 5
week: 4
days: [134, 140]
hours: 10.5
days_hit: 7/7
exercises: 3
commits: 7
confidence: 3.3
---

# Month 5 · Week 4

## Lessons learned

- A pop loses the job.
  Proof: `tests/course/lessons/test_retries.py::test_pop`

## Strengths

- No proof needed here.
""",
    "tests/course/lessons/test_retries.py": '''\
def test_herd():
    """Jitter flattens the herd.

    Did: simulated 100 clients
        with jitter.
    Saw: a flat line.
    Otherwise: peaks.
    """


class TestPops:
    async def test_inside(self):
        pass


def test_pop():
    """Did: killed it.

    Saw: nothing left.
    Otherwise: one job left.
    """
''',
    "docs/quizzes/backoff.md": (
        "---\ntitle: Backoff\ndescription: Cards.\n---\n\n# Backoff\n\n```cards\ntopic: backoff\n```\n"
    ),
    "docs/exercises/backoff.md": (
        "---\ntitle: Backoff\ndescription: Retries.\n---\n\n# Backoff\n\n```exercise\nslug: backoff\n```\n"
    ),
    "exercises/backoff/README.md": """\
# Backoff

## Step 1: ceiling

Read: [What to retry](../../docs/lessons/day-137-retries.md#what-to-retry).

## Step 2: jitter

Read: [Full jitter](../../docs/lessons/day-137-retries.md#full-jitter).
""",
    "exercises/backoff/test_1_ceiling.py": 'import pytest\n\npytestmark = pytest.mark.step(1, "ceiling")\n',
    "exercises/backoff/test_2_jitter.py": 'import pytest\n\npytestmark = pytest.mark.step(2, "jitter")\n',
}


class JournalFolder:
    """A journal on disk whose content has no fault, until a test puts one in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = self.read(name)
        assert old in text, f"{name} holds no {old!r}"
        self.write(name, text.replace(old, new, 1))


@pytest.fixture
def folder(tmp_path):
    return JournalFolder(tmp_path / "journal")


@pytest.fixture
def recording(monkeypatch, tmp_path):
    """Let this test write a history, into a file of its own."""
    monkeypatch.delenv("REDRIVE_NO_HISTORY", raising=False)
    path = tmp_path / "own-history.jsonl"
    monkeypatch.setenv("REDRIVE_HISTORY", str(path))
    return path


@pytest.fixture
def noon():
    return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
