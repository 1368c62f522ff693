"""An exercise's text is short enough to read: 1,800 words before the first run, and 500 words of hints."""

import ast
import re

import pytest

from journal.course import find_exercises
from tests.course.conftest import ROOT

EXERCISES = {exercise.slug: exercise for exercise in find_exercises(ROOT)}
MOST_WORDS_BEFORE_THE_FIRST_RUN = 1_800
MOST_WORDS_OF_HINTS = 500
# Exercises whose texts are still to be rewritten. It only gets shorter.
LEFT: set[str] = set()
HINT = re.compile(r"<details>(?:<summary>.*?</summary>)?(.*?)</details>", re.DOTALL)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def hint_words(readme: str) -> int:
    """Count the words of the folded hints, code included."""
    return sum(len(hint.split()) for hint in HINT.findall(readme))


def words_before_the_first_run(readme: str, stub: str) -> int:
    """Count the words of the README without its folded hints, and of the stub's docstrings."""
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(stub)) if isinstance(node, DOCUMENTED)]
    return len(HINT.sub("", readme).split()) + sum(len(docstring.split()) for docstring in docstrings)


def is_too_long(exercise) -> bool:
    readme, stub = exercise.text("readme"), exercise.stub() or exercise.text("stub")
    return (
        words_before_the_first_run(readme, stub) > MOST_WORDS_BEFORE_THE_FIRST_RUN
        or hint_words(readme) > MOST_WORDS_OF_HINTS
    )


@pytest.mark.parametrize("slug", sorted(EXERCISES.keys() - LEFT))
def test_an_exercise_is_read_in_minutes(slug):
    exercise = EXERCISES[slug]
    readme, stub = exercise.text("readme"), exercise.stub() or exercise.text("stub")
    words, hints = words_before_the_first_run(readme, stub), hint_words(readme)
    assert words <= MOST_WORDS_BEFORE_THE_FIRST_RUN, f"{slug}: {words} words in README and docstrings"
    assert hints <= MOST_WORDS_OF_HINTS, f"{slug}: {hints} words of hints"


def test_exercises_still_to_be_rewritten_are_too_long():
    """An exercise that has become short enough leaves the list."""
    assert [slug for slug in sorted(LEFT) if slug not in EXERCISES or not is_too_long(EXERCISES[slug])] == []


def test_hints_and_text_are_counted_apart():
    readme = "# One two\n<details><summary>Hint 1</summary>\nthree four five\n</details>\nsix\n"
    assert hint_words(readme) == 3
    assert words_before_the_first_run(readme, '"""Seven eight."""\n\n\ndef nine():\n    """Ten."""\n') == 4 + 3
