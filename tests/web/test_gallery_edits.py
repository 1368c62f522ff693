"""A wrong solution travels to the page as edits of the solution; the page's code makes the program of them again."""

from __future__ import annotations

import ast
import json
import subprocess

from journal.course.declared import read_wrong
from journal.site.node import WEB, find_node
from journal.site.workshop import edits
from tests.web.pages import ROOT
from tests.web.workshop_pages import EXERCISES

SCRIPT = ROOT / "tests" / "web" / "edits.mjs"


def in_the_page(pairs):
    """Return what the page makes of each (right, wrong) pair of programs."""
    asked = [{"solution": right, "edits": edits(right, wrong)} for right, wrong in pairs]
    done = subprocess.run(
        ["node", str(SCRIPT), (WEB / "workshop" / "edits.js").as_uri()],
        input="".join(json.dumps(one) + "\n" for one in asked),
        env=find_node().environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_page_makes_each_wrong_program_of_the_solution_and_its_edits():
    pairs = [
        (exercise.text("solution"), read_wrong(file, ROOT).text)
        for exercise in EXERCISES.values()
        for file in exercise.files_in("wrong")
    ]
    made = in_the_page(pairs)
    for (_, wrong), page in zip(pairs, made, strict=True):
        assert page["code"] == wrong
        ast.parse(page["code"])


def test_lines_that_are_wrong_are_shown_with_two_lines_around_them():
    right = "".join(f"{letter}\n" for letter in "abcdefghijklmnop")
    wrong = right.replace("c\n", "C\n").replace("f\n", "").replace("o\n", "o\nO\n")
    (page,) = in_the_page([(right, wrong)])
    assert page["shown"] == [
        *("…", " a", " b", "-c", "+C", " d", " e", "-f", " g", " h"),
        *("…", " n", " o", "+O", " p", " "),
    ]
