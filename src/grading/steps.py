"""The steps of an exercise: a test file for each, which names it in one mark. Nothing is imported to read them.

exercises/backoff/test_1_double_and_cap.py     pytestmark = pytest.mark.step(1, "double and cap")
exercises/backoff/given.py                     what the tests of several steps share
"""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path

GIVEN = "given.py"
_STEP_FILE = re.compile(r"test_(\d+)_\w+\.py")
_HEADING = re.compile(r"#{2,6}\s+(\S.*?)[\s#]*$")
_NUMBERED = re.compile(
    r"\s*(?P<stretch>stretch\s+)?(?:step\s+)?(?P<n>\d+)[.:]\s+(?P<title>.*\S)\s*", re.IGNORECASE | re.DOTALL
)
_FENCE = re.compile(r"\s*(```|~~~)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a test file names it; a stretch step is graded and blocks nothing. `line` is the mark's in `file`."""

    n: int
    title: str
    stretch: bool
    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class StepHeading:
    """A step as a README's heading names it; `line` is the heading's, from 1, and 0 for a heading read alone."""

    n: int
    title: str
    stretch: bool
    line: int = 0


def step_files(folder: Path) -> list[Path]:
    """List the test files in an exercise's folder, in the order of the steps."""
    found = [(int(match[1]), path) for path in folder.glob("test_*.py") if (match := _STEP_FILE.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def tests_of(folder: Path) -> list[Path]:
    """List everything that the tests in an exercise's folder consist of: the step files and `given.py`."""
    return [*step_files(folder), *(path for path in [folder / GIVEN] if path.is_file())]


def is_test_file(path: str) -> bool:
    """Whether a file belongs to the tests, by its name."""
    name = Path(path).name
    return name.startswith("test_") or name == GIVEN


def find_slugs(root: Path) -> list[str]:
    """List the exercises below the folder `root`, which are the folders in `exercises/` with a step file."""
    return sorted({path.parent.name for path in root.glob("exercises/*/test_*.py") if _STEP_FILE.fullmatch(path.name)})


def steps_in(folder: Path) -> dict[int, Step]:
    """Return the steps that the test files in an exercise's folder name, by number."""
    found: dict[int, Step] = {}
    for file in step_files(folder):
        step = step_of(file)
        if step is not None:
            found.setdefault(step.n, step)
    return dict(sorted(found.items()))


def step_of(file: Path) -> Step | None:
    """Return the step of a test file; None when no `pytestmark` in it names one."""
    lines = file.read_text(encoding="utf-8").splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith("pytestmark")), len(lines))
    # The whole file is not parsed: this is on the way of every run, and the file may be broken.
    for end in range(start + 1, min(start + 10, len(lines)) + 1):
        try:
            tree = ast.parse("\n".join(lines[start:end]))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "step":
                values = [value.value for value in node.args if isinstance(value, ast.Constant)]
                named = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
                if values and isinstance(values[0], int):
                    title = str(values[1]) if len(values) > 1 else ""
                    return Step(values[0], title, bool(named.get("stretch")), file, start + node.lineno)
        break
    return None


def step_heading(heading: str) -> StepHeading | None:
    """Return the step that a heading names: "1. Title", "Step 2: Title", "Stretch 6. Title", "6. Title (stretch)".

    Args:
        heading: its text, without the number signs of Markdown or the tags of HTML around it.
    """
    match = _NUMBERED.fullmatch(heading)
    if match is None:
        return None
    return StepHeading(int(match["n"]), match["title"], bool(match["stretch"]) or "stretch" in match["title"].lower())


def step_headings(readme: str) -> list[StepHeading]:
    """List the steps that the headings of a README name, from level 2 down; lines in code blocks do not count."""
    found: list[StepHeading] = []
    fenced = ""
    for line, text in enumerate(readme.splitlines(), 1):
        if fence := _FENCE.match(text):
            fenced = "" if fenced == fence[1] else fenced or fence[1]
        elif not fenced and (heading := _HEADING.match(text)) and (step := step_heading(heading[1])):
            found.append(replace(step, line=line))
    return found


def where_to_read(readme: Path, step: int) -> list[str]:
    """Return the lesson headings that a step names, as paths from the repository's root; none without a README."""
    try:
        text = readme.read_text(encoding="utf-8")
    except OSError:
        return []
    here = f"exercises/{readme.parent.name}"
    begins = {described.line: described.n for described in step_headings(text)}
    current = None
    for number, line in enumerate(text.splitlines(), 1):
        current = begins.get(number, current)
        if current == step and line.startswith("Read: "):
            return [posixpath.normpath(posixpath.join(here, link)) for link in _LINK.findall(line)]
    return []
