"""What a wrong solution declares: the mistake, its incident, the steps that it fails, what the learner reads."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grading.splice import SpliceError, splice_file
from journal.content.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

_FIELD = re.compile(r"^(Incident|Fails|Says): *(.*)$")
_FORM = "its docstring is: the mistake; a blank line; `Incident: …`; `Fails: 2, 3`; `Says: …`"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong solution.

    Attributes:
        file: its fragment.
        path: the same, relative to the root.
        text: the whole program, which is the reference solution with the fragment in it.
        mistake: what is wrong, in a sentence.
        incident: what the mistake causes in production.
        fails: the steps that it fails.
        says: a text that the failure message holds.
    """

    file: Path
    path: str
    text: str
    mistake: str
    incident: str
    fails: tuple[int, ...]
    says: str


def reference_of(file: Path) -> Path:
    """Return the solution that a wrong solution is a fragment of: `solutions/<slug>/<slug>.py`."""
    folder = file.parent.parent
    return folder / f"{folder.name}.py"


def read_wrong(file: Path, root: Path) -> Wrong | list[Problem]:
    """Read a wrong solution's declaration, or say what is wrong with it."""
    path, reference = file.relative_to(root).as_posix(), reference_of(file)
    if not reference.is_file():
        solution = reference.relative_to(root).as_posix()
        return [Problem(path, 0, f"is a fragment of {solution}, which is missing; write the solution first")]
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        text = splice_file(file, reference)
    except SpliceError as error:
        return [Problem(path, error.line, error.fact)]
    except SyntaxError as error:
        return [Problem(path, error.lineno or 0, f"is not valid Python: {error.msg}")]
    fields: dict[str, str] = {}
    name = ""
    lines = docstring.splitlines()
    for line in lines[1:]:
        match = _FIELD.match(line)
        if match:
            name = match[1]
            fields[name] = match[2].strip()
        elif name and line.strip():
            fields[name] = f"{fields[name]} {line.strip()}".strip()
    missing = [key for key in ("Incident", "Fails", "Says") if not fields.get(key)]
    if missing or not lines or not lines[0].strip():
        lacks = " and ".join(missing) or "the mistake"
        return [Problem(path, 1, f"declares no {lacks}; {_FORM}")]
    numbers = [part.strip() for part in fields["Fails"].split(",")]
    if not all(number.isdigit() for number in numbers):
        return [Problem(path, 1, f"`Fails: {fields['Fails']}` is no list of step numbers; {_FORM}")]
    fails = tuple(sorted({int(number) for number in numbers}))
    return Wrong(file, path, text, lines[0].strip(), fields["Incident"], fails, fields["Says"])
