"""Rules of the code that no linter knows: files stay short, and the same lines stand in one place."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
from collections import defaultdict
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINES = 400
LINES_OF_EXERCISE_TESTS = 450
ALIKE = 12
GENERATED = re.compile(r"src/jobqueue/entrypoints/proto/")
# Pairs of files that hold the same lines, each with its reason. An entry that is not needed is a fault.
SAME = {
    (
        "src/jobqueue/adapters/redis_job_store.py",
        "tests/jobqueue/fakes/memory_job_store.py",
    ): "the signature of a method of their port",
}


def tracked(*patterns):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names if not GENERATED.search(name)}


def most_lines(name):
    return LINES_OF_EXERCISE_TESTS if re.fullmatch(r"exercises/\w+/test_\w+\.py", name) else LINES


def code_lines(name, text):
    """Yield (line, text) of what says something: no blank lines, comments, imports or closing brackets alone."""
    left_out = set()
    if name.endswith(".py"):
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if number not in left_out and re.search(r"\w", said) and not said.startswith(("#", "//", "import ")):
            yield number, said


def subject(name):
    """Files of one exercise are versions of one program: stub, solution, alternatives, wrong and right ones."""
    parts = PurePosixPath(name).parts
    if parts[0] in {"exercises", "solutions"} and len(parts) > 2 and not parts[-1].startswith(("test_", "given")):
        return {"testbackoff": "backoff"}.get(parts[1], parts[1])
    return name


def duplicates(files):
    """Return {(a file, another): (line in the first, line in the second)} where `ALIKE` lines in a row are the same."""
    windows = defaultdict(list)
    for name, text in files.items():
        lines = list(code_lines(name, text))
        for start in range(len(lines) - ALIKE + 1):
            windows[tuple(said for _, said in lines[start : start + ALIKE])].append((name, lines[start][0]))
    found = {}
    for places in windows.values():
        for (one, line), (other, there) in itertools.combinations(places, 2):
            if one != other and subject(one) != subject(other):
                found.setdefault(tuple(sorted((one, other))), (line, there) if one < other else (there, line))
    return found


def test_no_file_is_longer_than_its_limit():
    files = tracked("*.py", "*.js", "*.mjs")
    lengths = {name: len(text.splitlines()) for name, text in files.items()}
    assert {name: lines for name, lines in lengths.items() if lines > most_lines(name)} == {}, "one subject a file"


def test_no_two_files_share_twelve_lines():
    found = duplicates(tracked("*.py", "*.js", "*.mjs"))
    said = [f"{one}:{a} is {other}:{b}" for (one, other), (a, b) in sorted(found.items()) if (one, other) not in SAME]
    assert said == [], "move what they share into one place, or put the pair on SAME with its reason"
    assert [pair for pair in SAME if pair not in found] == [], "no longer the same; take them off SAME"


@pytest.mark.parametrize(("name", "other", "count"), [("a.py", "b.py", 1), ("exercises/x/x.py", "solutions/x/x.py", 0)])
def test_duplicates_are_found_and_versions_of_one_program_are_none(name, other, count):
    lines = "".join(f"call({number})\n\n# {name}\n" for number in range(ALIKE))
    assert len(duplicates({name: "import a\n" + lines, other: lines})) == count
    assert duplicates({name: lines, other: lines.replace("call(5)", "call(6)")}) == {}
