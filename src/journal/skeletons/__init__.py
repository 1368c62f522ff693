"""Skeletons: what a new week, lesson, exercise, decision or deck looks like before a keeper fills it in.

Each folder beside this file is one, laid out as its files will lie in the journal. `__slug__` in a file's name or text
is replaced by the value of that name; a Python file stays valid Python, so the formatter and the checks see it.
"""

from journal.skeletons.files import AlreadyThereError, words, write_new
from journal.skeletons.filled import filled

__all__ = ["AlreadyThereError", "filled", "words", "write_new"]
