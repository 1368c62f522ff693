"""The form of a message: a label in ten columns, the text wrapped beside it, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 100
MARGIN = 2
"""A message is indented by so much below its headline."""

LABEL = 10
MAX_LINES = 12
"""Of a message; with the headline, the steps and what to do next, a failure fits on twenty lines."""


def labelled(label: str, text: str) -> str:
    """Write a text beside its label; what goes on in further lines is indented."""
    return f"{label:<{LABEL - 1}} " + text.replace("\n", "\n" + " " * LABEL)


def wrapped(line: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """Wrap a line; what goes on is indented, and a label or an indentation at its beginning stays."""
    if len(line) <= width:
        return [line]
    first = line[: len(indent)]
    return textwrap.wrap(
        line[len(indent) :].lstrip(),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def fit(lines: Iterable[str]) -> list[str]:
    """Wrap the lines of a message under their labels."""
    return [part for line in lines for part in wrapped(line, " " * LABEL, WIDTH - MARGIN)]
