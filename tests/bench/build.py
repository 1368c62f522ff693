"""How long a large journal takes to build, beside what Material for MkDocs alone needs for the same Markdown.

    python -m tests.bench.build               600 lessons, three rounds, about ten minutes
    python -m tests.bench.build --pages 60 --rounds 1

The journal is made up: each lesson has two cards, and two statements with a proof. A round builds it from nothing with
`journal build`, which checks the content, collects the proofs, writes a page for each file of tests and looks for dead
links; then its `docs/` with `mkdocs build`, the same theme and the same Markdown extensions, without anything of ours.
There the fences are shown as code. The bar is a ratio of 1.5 in processor seconds.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from journal.proofs.freshness import digest
from journal.proofs.named_proofs import named_proofs
from journal.proofs.record import PASSED, Run, add_runs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench" / "journal"
LESSONS_A_DECK = 10
BAR = 1.5

LESSON = """\
---
title: "Day {day}: Subject {day}"
description: What happens to job {day}, and how we know.
day: {day}
deck: {topic}
figure: none, because this lesson is made up
---

# Day {day}: Subject {day}

- **For:** engineers who measure how long a build takes.
- **Time:** 2 minutes.
- **Needs:** nothing.
- **After this you can:** wait for job {day}.

## The incident {{#incident}}

Job {day} was submitted at noon, and at one o'clock it had not run. The worker that had taken it was *alive*, answered
its health check, and held the job's lease. It waited for a connection that a firewall had dropped without a word.
Each of its peers was idle, and the queue grew by {day} jobs an hour.

Two things were missing: a **timeout** on the call, and a lease that ends unless the worker renews it. With either, the
job would have come back after 30 s. See [the lesson before](day-{before:03}-subject.md#what-to-do).

```python
async def fetch(url: str, timeout_s: float = {day}.0) -> bytes:
    \"\"\"Return what `url` answers.\"\"\"
    async with asyncio.timeout(timeout_s):
        reader, writer = await connect(url)
        try:
            return await reader.read()
        finally:
            writer.close()
```

`asyncio.timeout` cancels the block, and the `finally` closes the connection, so that nothing is left behind.

## What to do {{#what-to-do}}

| call | timeout | why |
|---|---|---|
| `connect` | 2 s | a host that does not answer in two seconds is not there |
| `read` | {day} s | the slowest answer in a hundred takes half of it |
| `close` | 1 s | the peer may be gone |

1. Measure the slowest answer of a normal day.
2. Double it.
3. Count how often the limit is hit, and look at it once a week.

!!! note "A limit is a decision"
    Write down who chose it and what it was derived from; otherwise the next person doubles it without a reason.

## How we know {{#proofs}}

- A call without an answer ends after {day} seconds.
  Proof: `{tests}::test_call_{day}_ends`
- The lease of a silent worker runs out.
  Proof: `{tests}::test_lease_{day}_runs_out`

## Cards {{#cards}}

```cards
lesson: lessons/day-{day:03}-subject.md
```

## Related {{#chain}}

```chain
```
"""
CARDS = """\
  - id: {topic}-{day:03}-a
    question: |
      What ends call {day} when no answer comes?
    answer: |
      Its *timeout*, after {day} s: `asyncio.timeout` cancels the block.
    lesson: lessons/day-{day:03}-subject.md#incident
    proof: {tests}::test_call_{day}_ends
  - id: {topic}-{day:03}-b
    kind: predict
    question: |
      A worker goes silent while it holds the lease of job {day}. When does the job run again?
    answer: |
      After the lease has run out; another worker then takes it.
    lesson: lessons/day-{day:03}-subject.md#what-to-do
    proof: {tests}::test_lease_{day}_runs_out
"""
TEST = '''

def test_{name}():
    """Did: simulated job {day} with a clock.

    Saw: it came back after {day} s.
    Otherwise: it would never have come back.
    """
    clock = [0.0]
    while clock[0] < {day}:
        clock[0] += 1.0
    assert clock[0] == {day}
'''
PROJECT = """\
[project]
name = "made-up"

[tool.journal]
name = "made-up"
title = "Made up"

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
"""
PAGE = "---\ntitle: {title}\ndescription: {title}, made up for a measurement.\n---\n\n# {title}\n\n{body}\n"
# What of mkdocs.yml is ours; without these lines it is Material for MkDocs with the same extensions.
_OURS = re.compile(r"^(?:hooks:|watch:|extra_|\s*custom_dir:|.*journal\.site|\s*custom_fences:)")


class Took(NamedTuple):
    """The seconds of one build: on the clock, and of the processors."""

    wall_s: float
    cpu_s: float


def make(folder: Path, lessons: int) -> None:
    """Write the journal."""
    shutil.rmtree(folder, ignore_errors=True)
    files = {
        "pyproject.toml": PROJECT,
        "docs/index.md": PAGE.format(title="Home", body="```due\n```"),
        "docs/lessons/index.md": PAGE.format(title="Lessons", body="```lessons\n```"),
        "docs/quizzes/index.md": PAGE.format(title="Cards", body="```decks\n```"),
        "docs/adr/index.md": PAGE.format(title="Decisions", body="```adr-log\n```"),
        "docs/reference/index.md": PAGE.format(title="Reference", body="None."),
    }
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").splitlines(keepends=True)
    files["mkdocs.yml"] = "".join(line for line in config if not line.startswith("watch:"))
    files["material.yml"] = "".join(line for line in config if not _OURS.match(line))
    for first in range(1, lessons + 1, LESSONS_A_DECK):
        topic = f"subject-{first:03}"
        tests = f"tests/course/test_subject_{first:03}.py"
        days = range(first, min(first + LESSONS_A_DECK, lessons + 1))
        for day in days:
            known = {"day": day, "topic": topic, "tests": tests, "before": max(day - 1, 1)}
            files[f"docs/lessons/day-{day:03}-subject.md"] = LESSON.format(**known)
        deck = "".join(CARDS.format(day=day, topic=topic, tests=tests) for day in days)
        files[f"docs/quizzes/{topic}.yml"] = f"topic: {topic}\ntitle: Subject {first}\ncards:\n{deck}"
        files[f"docs/quizzes/{topic}.md"] = PAGE.format(title=f"Subject {first}", body=f"```cards\ntopic: {topic}\n```")
        names = [name for day in days for name in (f"call_{day}_ends", f"lease_{day}_runs_out")]
        files[tests] = '"""Made up."""\n' + "".join(TEST.format(name=name, day=name.split("_")[1]) for name in names)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "docs" / "assets").symlink_to(ROOT / "docs" / "assets")
    # As after a run of the tests: a mark is green as long as the digest of its test is that of the record.
    proofs = named_proofs(folder)
    add_runs(folder, {p: Run(PASSED, "2026-11-24T12:00:00+00:00", "", False, (), digest(folder, p)) for p in proofs})


def timed(folder: Path, *command: str) -> Took:
    """Run `command` in `folder`."""
    environment = os.environ | {"REDRIVE_ROOT": str(folder), "REDRIVE_NO_HISTORY": "1"}
    environment |= {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Took(time.perf_counter() - started, used.ru_utime + used.ru_stime)


def first_build(folder: Path) -> Took:
    """Build the journal from nothing."""
    for made in ("build", ".cache"):
        shutil.rmtree(folder / made, ignore_errors=True)
    return timed(folder, "-m", "journal", "build")


def material_alone(folder: Path) -> Took:
    """Build the same Markdown with Material for MkDocs alone."""
    target = folder / "build" / "material"
    return timed(folder, "-m", "mkdocs", "build", "--quiet", "--config-file", "material.yml", "--site-dir", str(target))


def main() -> int:
    """Measure, print each round, and say whether the bar holds."""
    parser = argparse.ArgumentParser(description="Build a made-up journal beside Material for MkDocs alone.")
    parser.add_argument("--pages", type=int, default=600, help="lessons (600)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved (3)")
    asked = parser.parse_args()
    make(FOLDER, asked.pages)
    ratios = []
    for number in range(1, asked.rounds + 1):
        ours, theirs = first_build(FOLDER), material_alone(FOLDER)
        ratios.append(ours.cpu_s / theirs.cpu_s)
        print(
            f"round {number}: the journal {ours.cpu_s:.1f} s of processor ({ours.wall_s:.1f} s on the clock), "
            f"Material alone {theirs.cpu_s:.1f} s ({theirs.wall_s:.1f} s): {ratios[-1]:.2f} times",
            flush=True,
        )
    median = statistics.median(ratios)
    print(f"median {median:.2f} times; the bar is {BAR}")
    return int(median > BAR)


if __name__ == "__main__":
    sys.exit(main())
