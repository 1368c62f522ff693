"""Record the learner's own runs of an exercise in the history; the exercises' conftest calls this when it can."""

from __future__ import annotations

import hashlib
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from journal.history import default_history, new_event
from journal.repository import NoRepositoryError, find_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def record_run(slug: str, steps: Mapping[int, str], file: Path) -> bool:
    """Append a `run` event when `file` is the learner's own file of exercise `slug`; True when it was recorded.

    A copy in a temporary folder (an overlay), a run in CI and a run with `REDRIVE_NO_HISTORY` are not the learner's.
    A history that cannot be written does not spoil the run: one sentence on standard error says so.

    Args:
        slug: the exercise.
        steps: step number to outcome (passed, failed, not_started, local_only).
        file: the file that was graded.
    """
    if os.environ.get("REDRIVE_NO_HISTORY") or os.environ.get("CI"):
        return False
    try:
        root = find_root(file.parent)
    except NoRepositoryError:
        return False
    if file.resolve() != (root / "exercises" / slug / f"{slug}.py").resolve():
        return False
    try:
        fields = {
            "slug": slug,
            "steps": {str(number): outcome for number, outcome in sorted(steps.items())},
            "code_sha": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        default_history(root).append(new_event("run", fields, datetime.now(UTC)))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"this run was not recorded in the history: {error}\n")
        return False
    return True
