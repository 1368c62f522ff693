"""A fragment laid over its reference: what is replaced, where new definitions go, and what is refused."""

from __future__ import annotations

import pytest

from grading.splice import SpliceError, splice, splice_file

REFERENCE = '''\
"""The reference."""

import math
from random import Random

LIMIT = 10
BOUNDS: tuple[int, int] = (1, 2)


def _half(value):
    return value / 2


# --8<-- [start:ceiling]
def ceiling(attempt):
    """Return the ceiling.

    In seconds.
    """
    return min(LIMIT, _half(attempt))


# --8<-- [end:ceiling]


class Budget:
    """A budget."""

    cost: int = 5

    def __init__(self):
        """Start full."""
        self.left = LIMIT

    def spend(self):
        """Spend."""
        self.left -= self.cost


class Sibling(Budget):
    """Another."""

    def refill(self):
        return math.inf
'''


def laid(*fragment):
    """Splice the lines of a fragment and return the text and the names it defines."""
    text = splice(REFERENCE, '"""Wrong."""\n\n\n' + "\n".join(fragment) + "\n")
    values = {}
    exec(compile(text, "spliced", "exec"), values)
    return text, values


def test_function_is_replaced_and_keeps_the_docstring_of_the_reference():
    text, values = laid("def ceiling(attempt):", "    return attempt")
    assert values["ceiling"](99) == 99
    assert text == REFERENCE.replace("return min(LIMIT, _half(attempt))", "return attempt")


def test_body_on_the_line_of_the_colon_gets_the_docstring_too():
    _, values = laid('def ceiling(attempt, why="…"): return attempt')
    assert values["ceiling"](99) == 99
    assert values["ceiling"].__doc__.startswith("Return the ceiling.")


def test_docstring_of_the_fragment_wins():
    assert laid("def ceiling(attempt):", '    """Say."""', "    return 1")[1]["ceiling"].__doc__ == "Say."


def test_members_of_a_class_are_replaced_added_and_taken_away():
    text, values = laid(
        "class Budget:", "    cost: int = 1", "    del spend", "", "    def __init__(self):", "        self.left = 3"
    )
    assert (values["Budget"]().left, values["Budget"].cost, hasattr(values["Budget"], "spend")) == (3, 1, False)
    assert values["Budget"].__doc__ == "A budget."
    assert values["Budget"].__init__.__doc__ == "Start full."
    assert "class Sibling(Budget)" in text


def test_class_with_other_bases_is_replaced_as_a_whole():
    _, values = laid("class Sibling(dict):", "    kind = 1")
    assert issubclass(values["Sibling"], dict)
    assert (values["Sibling"].__doc__, hasattr(values["Sibling"], "refill")) == ("Another.", False)


def test_constants_are_replaced_with_the_comment_above_them():
    text, values = laid("# Of nothing.", "LIMIT = 0", "", "BOUNDS = (3, 4)")
    assert (values["LIMIT"], values["BOUNDS"], values["Budget"]().left) == (0, (3, 4), 0)
    assert "# Of nothing.\nLIMIT = 0\n" in text


def test_imports_join_the_imports():
    text, values = laid("import random as _random", "from math import floor, ceil", "", "LIMIT = ceil(0.5)")
    assert values["LIMIT"] == 1
    assert "from random import Random\nimport random as _random\nfrom math import floor, ceil\n\nLIMIT" in text


def test_new_definition_goes_before_the_next_one_of_the_fragment_that_the_reference_has():
    text, values = laid("START = 7", "", "", "def ceiling(attempt, start=START):", "    return start")
    assert values["ceiling"](1) == 7
    assert "# --8<-- [start:ceiling]\nSTART = 7\n\n\ndef ceiling(attempt, start=START):\n" in text


def test_new_definition_without_a_next_one_follows_the_one_before():
    text, _ = laid("def ceiling(attempt):", "    return later()", "", "", "def later():", "    return 1")
    assert text.index("def later") < text.index("class Budget")
    text, _ = laid("class Budget:", "    def spend(self): ...", "", "    def more(self): ...")
    assert text.index("def spend") < text.index("def more") < text.index("class Sibling")


def test_definitions_are_taken_away():
    text, values = laid("del Sibling, ceiling, LIMIT", "", "LIMITS = 1")
    assert {"Sibling", "ceiling", "LIMIT"}.isdisjoint(values)
    assert "[end:ceiling]" in text


@pytest.mark.parametrize(
    ("fragment", "line", "fact"),
    [
        ("LIMIT = 10", 3, "LIMIT equals the reference's; remove it"),
        ('LIMIT = 1\n\n\ndef _half(value):\n    """Halve."""\n    return value / 2', 6, "_half equals the reference's"),
        ("class Budget:\n    cost: int = 5", 4, "cost equals the reference's; remove it"),
        ("class Budget:\n    '''Say.'''", 3, "class Budget changes nothing; write the members that differ"),
        ("import math", 3, "the reference has `import math` already; remove the line"),
        ("from random import Random", 3, "the reference has `from random import Random` already"),
        ("del limit", 3, "the reference defines no limit here; correct the name, or remove the del"),
        ("LIMIT = 1\nLIMIT = 2", 4, "LIMIT is defined twice; keep one"),
        (
            "LIMIT = 1\nprint(LIMIT)",
            4,
            "this defines nothing; a fragment holds definitions, constants",
        ),
        ("ceiling.wrong = True", 3, "this defines nothing"),
        ("", 1, "changes nothing; write the definitions that differ from the reference"),
    ],
)
def test_fragment_that_says_nothing_is_refused(fragment, line, fact):
    with pytest.raises(SpliceError) as caught:
        splice(REFERENCE, f'"""Wrong."""\n\n{fragment}\n', "wrong/it.py")
    assert caught.value.line == line
    assert caught.value.fact.startswith(fact)
    assert str(caught.value) == f"wrong/it.py:{line}: {caught.value.fact}"


def test_files_are_read(tmp_path):
    (tmp_path / "right.py").write_text(REFERENCE, encoding="utf-8")
    (tmp_path / "wrong.py").write_text("LIMIT = 11\n", encoding="utf-8")
    assert splice_file(tmp_path / "wrong.py", tmp_path / "right.py") == REFERENCE.replace("10", "11", 1)
