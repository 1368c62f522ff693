"""Grade the graders: stubs fail, solutions pass, wrong solutions fail where they say, and nothing is missing.

`make course` runs it. Exercises are found by their files (`exercises/<slug>/test_1_….py`), so adding one changes no
code.
"""

from journal.course.command import command
from journal.course.exercises import Exercise, find_exercises
from journal.course.grades import check_grades
from journal.course.texts import check_texts
from journal.course.twins import check_twins

__all__ = ["Exercise", "check_grades", "check_texts", "check_twins", "command", "find_exercises"]
