"""Write the other end of a decision that replaces an older one."""

from __future__ import annotations

import re


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
