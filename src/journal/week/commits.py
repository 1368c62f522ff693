"""What git knows of a span of days: commits by their author's day, and the decisions they touched."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from journal.review.day import DAY_STARTS_H

if TYPE_CHECKING:
    from pathlib import Path

_ADR = re.compile(r"docs/adr/(\d{4})-[a-z0-9-]+\.md")
_MARGIN_DAYS = 3


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that is no merge.

    Attributes:
        sha: all of its digits.
        on: the journal day of its author, by the author's own clock.
        subject: its first line.
        added: decisions it added, by number.
        changed: decisions it changed.
    """

    sha: str
    on: date
    subject: str
    added: tuple[int, ...]
    changed: tuple[int, ...]


def commits_between(root: Path, first: date, last: date) -> list[Commit] | None:
    """Return the commits reachable from HEAD whose author's day is from `first` to `last`, oldest first.

    None where git, or a repository with a commit, is missing.
    """
    # Git compares the committer's date, which is never before the author's in what was made here.
    since = (first - timedelta(days=_MARGIN_DAYS)).isoformat()
    command = [
        "git",
        "-C",
        str(root),
        "log",
        "--no-merges",
        "--name-status",
        "--no-renames",
        f"--since={since}T00:00:00Z",
    ]
    try:
        shown = subprocess.run(
            [*command, "--format=%x00%H%x09%ad%x09%s", "--date=iso-strict", "HEAD", "--"],
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if shown.returncode != 0:
        return None
    found = [_read(entry) for entry in shown.stdout.decode("utf-8", "replace").split("\0")[1:]]
    return [commit for commit in reversed(found) if first <= commit.on <= last]


def _read(entry: str) -> Commit:
    head, *files = entry.splitlines()
    sha, at, subject = (*head.split("\t", 2), "")[:3]
    wall = datetime.fromisoformat(at).replace(tzinfo=None)
    touched: dict[str, set[int]] = {"A": set(), "M": set()}
    for line in files:
        status, _, path = line.partition("\t")
        match = _ADR.fullmatch(path)
        if match and status in touched:
            touched[status].add(int(match[1]))
    return Commit(
        sha,
        (wall - timedelta(hours=DAY_STARTS_H)).date(),
        subject,
        tuple(sorted(touched["A"])),
        tuple(sorted(touched["M"] - touched["A"])),
    )
