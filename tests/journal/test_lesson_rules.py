"""The pages of the lessons begin with their head, are one sitting long, show code in pieces and no answers."""

import subprocess

import pytest

from journal.content.figure_rules import figure_problems
from journal.content.lesson_rules import lesson_problems
from journal.content.library import library
from journal.content.repository import find_root
from journal.course.answers import asked_for, shown_answers
from journal.course.exercises import find_exercises

ROOT = find_root()
LESSON = "docs/lessons/day-137-retries.md"
HEAD = """
- **For:** engineers who call other services.
- **Time:** 1 minute.
- **Needs:** Python.
- **After this you can:** say when a retry helps,
  and when it does not.
"""


def test_every_lesson_has_its_head_its_length_and_small_pieces_of_code():
    assert [str(problem) for problem in lesson_problems(library(ROOT))] == []


SECTIONS = ("problem", "what-goes-wrong", "how-we-know", "exercise", "cards", "chain", "sources")


def test_every_lesson_goes_from_an_incident_to_its_sources_and_names_the_go_original():
    lacking = [
        f"{file.name} lacks {part}"
        for file in sorted((ROOT / "docs/lessons").glob("day-*.md"))
        if "\noverview: true\n" not in (text := file.read_text(encoding="utf-8"))
        for part in (*(f"{{#{name}}}" for name in SECTIONS), "\n**In Go:** ")
        if part not in text
    ]
    assert lacking == []


def test_no_page_shows_what_an_exercise_asks_for():
    assert [str(problem) for problem in shown_answers(library(ROOT))] == []


def test_every_page_has_a_figure_or_says_why_none_would_help(folder):
    assert [str(problem) for problem in figure_problems(library(ROOT))] == []
    fault = "it has no figure; add one, or `figure: none, because …` to its front matter"
    assert fault in [one.message for one in figure_problems(library(folder.path)) if one.path == LESSON]
    folder.change(LESSON, "# Retries\n", "# Retries\n\n```figure\nname: herd\n```\n")
    assert LESSON not in [one.path for one in figure_problems(library(folder.path))]


@pytest.fixture
def lesson(folder):
    """Return a function that writes the lesson with `text` in it and says what is wrong with it."""
    folder.change(LESSON, "# Retries\n", f"# Retries\n{HEAD}")

    def faults(old="", new=""):
        if old:
            folder.change(LESSON, old, new)
        return [problem.message for problem in lesson_problems(library(folder.path))]

    return faults


def test_a_lesson_of_the_right_shape_has_no_fault(lesson):
    assert lesson() == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- **Needs:** Python.\n", "", "the lesson's head lacks Needs; add `- **Needs:** …` below the title"),
        ("1 minute.", "2 minutes.", "the head says '2 minutes.', and the page takes 1 minutes; write that"),
        ("Spread them.", "word " * 2500, "the page takes 13 minutes to read, and 12 is the most; split or shorten it"),
        ("Spread them.", "x\n\n```python\n" + "x = 1\n" * 16 + "```\n", "this block has 16 lines, and 15 is the most"),
        ("Spread them.", f"x\n\n```python\nx = '{'x' * 84}'\n```\n", "a line of this block has 90 columns"),
        ("Spread them.", "x\n\n??? note\n\n    ```\n" + "    x\n" * 16 + "    ```\n", "this block has 16 lines"),
        ("Spread them.", 'x\n\n```python\n--8<-- "long.py:part"\n```\n', "this block has 17 lines"),
    ],
)
def test_a_lesson_of_another_shape_is_told_so(lesson, folder, old, new, says):
    folder.write("long.py", "# --8<-- [start:part]\n" + "x = 1\n" * 17 + "# --8<-- [end:part]\n")
    assert any(says in message for message in lesson(old, new))


def test_a_lesson_of_one_sitting_may_take_it_all(lesson, folder):
    folder.change(LESSON, "Spread them.", "word " * 2300)
    assert lesson("1 minute.", "12 minutes.") == []


SOLUTION = '''
async def feed(source, channel):
    """Doc."""
    try:
        while True:
            await channel.room()
            job = await source.take()
            if job is None:
                return
            await channel.put(job)
    finally:
        channel.close()
'''
HALF = "while True:\n    await buffer.room()\n    item = await redis.take()\n"
REST = "if item is None:\n    return\n"


@pytest.mark.parametrize(
    ("shown", "is_answer"),
    [
        (SOLUTION, True),
        (SOLUTION.replace("job", "item").replace("feed", "pump").replace("source.take", "self.queue.take"), True),
        (HALF + REST, True),
        (f"{HALF}```\n\nAnd then:\n\n```python\n{REST}", True),
        (f"{HALF}    print('taken')\n{REST}", False),
        ("line = self.buffer.get()\nif line is None:\n    return\n", False),
    ],
)  # fmt: skip
def test_four_statements_of_an_answer_are_noticed_whatever_their_names(folder, shown, is_answer):
    stub = SOLUTION[: SOLUTION.index("    try:")] + '    raise NotImplementedError("step 1")\n'
    folder.write("exercises/backoff/backoff.py", stub)
    folder.write("solutions/backoff/backoff.py", SOLUTION)
    subprocess.run(["git", "init", "-q", folder.path], check=True)
    folder.change(LESSON, "Spread them.", f"Spread them.\n\n```python\n{shown}```\n")
    found = shown_answers(library(folder.path))
    assert bool(found) is is_answer
    if is_answer:
        assert found[0].path == LESSON
        assert "of what the exercise backoff asks for (line " in found[0].message


def test_what_the_stub_gives_may_be_shown(folder):
    folder.write("exercises/backoff/backoff.py", SOLUTION)
    folder.write("solutions/backoff/backoff.py", SOLUTION)
    subprocess.run(["git", "init", "-q", folder.path], check=True)
    folder.change(LESSON, "Spread them.", f"Spread them.\n\n```python\n{SOLUTION}```\n")
    assert shown_answers(library(folder.path)) == []


def test_every_exercise_that_asks_for_code_has_something_to_compare_with():
    sizes = {
        exercise.slug: len(asked_for(exercise)) for exercise in find_exercises(ROOT) if not exercise.graded_against
    }
    assert sizes
    assert all(size > 4 for size in sizes.values()), sizes
