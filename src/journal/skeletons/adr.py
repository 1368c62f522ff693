"""A decision in MADR form, and the other end of what it supersedes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from journal.skeletons.files import words

if TYPE_CHECKING:
    from datetime import date


def adr_files(number: int, title: str, on: date, supersedes: int | None) -> dict[str, str]:
    """Return the file of decision `number`, proposed on the day `on`."""
    name = f"ADR {number:04}: {title}"
    replaced = f"[{supersedes}]" if supersedes is not None else "[]"
    return {
        f"docs/adr/{number:04}-{words(title)}.md": f"""\
---
title: {json.dumps(name, ensure_ascii=False)}
description: {json.dumps(f"Why: {title}.", ensure_ascii=False)}
# proposed until a test confirms it; then accepted, which needs a proof in the last section.
status: proposed
date: {on.isoformat()}
supersedes: {replaced}
superseded_by: null
---

# {name}

## Context and problem

## Considered options

1.

## Decision

## Consequences

## Confirmation

<!-- What shows that the decision holds, and the test: Proof: `tests/…/test_x.py::test_y` -->

## Related

```chain
```
"""
    }


class NoFrontMatterError(Exception):
    """The older decision has no front matter to write the other end into."""


def superseded(text: str, by: int) -> str:
    """Return the decision `text` with status superseded and `by` added to superseded_by; all other lines as they are.

    Raises:
        NoFrontMatterError: it does not begin with front matter.
    """
    lines = text.splitlines(keepends=True)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if not lines or lines[0].rstrip() != "---" or end is None:
        raise NoFrontMatterError("it has no front matter; add status, date and superseded_by by hand")
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    front = [line for line in lines[1:end] if not re.match(r"superseded_by:", line)]
    front = [f"status: superseded{newline}" if re.match(r"status:", line) else line for line in front]
    older = "".join(line for line in lines[1:end] if re.match(r"superseded_by:", line))
    numbers = [*re.findall(r"\d+", older), str(by)]
    front.append(f"superseded_by: [{', '.join(dict.fromkeys(numbers))}]{newline}")
    return "".join([lines[0], *front, *lines[end:]])
