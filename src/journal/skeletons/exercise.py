"""An exercise in its five places: a small one that works, to be replaced line by line."""

from __future__ import annotations

import json

from journal.content.pages import slugify
from journal.skeletons.card import NewCard

_STUB = '''\
"""{title}: what this module is for, in one sentence.

The docstrings are the specification. Run `pytest exercises/{slug}` after every step.
"""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    raise NotImplementedError("step 1: double it")
'''

_SOLUTION = '''\
"""{title}: a solution."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    return 2 * value
'''

_ALTERNATIVE = '''\
"""{title}: another solution, built differently, that must pass as well."""

from __future__ import annotations


def doubled(value: int) -> int:
    """Return twice `value`, which is any whole number.

    >>> doubled(21)
    42
    """
    return value + value
'''

_WRONG = '''\
"""The value is squared, which looks right for 0 and 2.

Incident: the numbers on the first day's dashboard looked plausible, and every larger one was wrong.
Fails: 1
Says: doubled(3)
"""


def doubled(value: int) -> int:
    return value**2
'''

_TESTS = '''\
"""What `pytest exercises/{slug}` asks of {slug}.py, step by step."""

from __future__ import annotations

import pytest

from exercises.{slug}.{slug} import doubled
from grading import explain


@pytest.mark.step(1, "double it")
@pytest.mark.parametrize("value", [0, 2, 3, -7])
def test_value_is_doubled(value: int) -> None:
    """Twice the value comes back.

    Costs: every number that is built on it is wrong.
    """
    got = doubled(value)
    assert got == 2 * value, explain(
        called=f"doubled({{value}})", got=got, expected=2 * value, costs="every number that is built on it is wrong"
    )
'''

_README = """\
# {title}

<!-- What goes wrong in production without it: one incident, a few lines. -->

You edit `exercises/{slug}/{slug}.py`, one step at a time; its docstrings are the full specification. After each step:

```
pytest exercises/{slug}
```

The first run is red: every step says "not started".

## 1. Double it

Read: [{title}](../../docs/exercises/{slug}.md#{heading}).

Build `doubled`.

<details><summary>Hint 1</summary>

Where to look: one idea, no code.

</details>
<details><summary>Hint 2</summary>

How to go about it: the names that help.

</details>
<details><summary>Hint 3</summary>

`return 2 * value`: half of the solution, or all of a short one.

</details>

---

**Teaches**: what a learner can do afterwards.
**Does not teach**: what they might expect and will not find.
**Needs**: what they must know before.
**Takes**: 10 minutes.
"""

_NOTES = """\
# {title}: notes on the solution

Why it is built as it is, what else would pass, and what the wrong solutions in `wrong/` have in common.
"""

_PAGE = """\
---
title: {quoted}
description: {description}
---

# {title}

```exercise
slug: {slug}
```
"""


def exercise_files(slug: str, title: str) -> dict[str, str]:
    """Return the files of exercise `slug` in its five places: exercise, solution, page, deck, notebook."""
    heading = slugify(title)
    fill = {
        "slug": slug,
        "heading": heading,
        "title": title,
        "quoted": json.dumps(title, ensure_ascii=False),
        "description": json.dumps(f"An exercise that grades itself: {title}.", ensure_ascii=False),
    }
    cards = "".join(
        "".join(f"  {line}" for line in card.as_item().splitlines(keepends=True))
        for card in (
            NewCard(
                id=f"{slug}-01",
                kind="recall",
                question=f"What does step 1 of {slug} ask for?",
                answer="Twice the value.",
                lesson=f"exercises/{slug}.md#{heading}",
                step=f"{slug}/1",
            ),
            NewCard(
                id=f"{slug}-02",
                kind="predict",
                question="What does `doubled(-7)` return?",
                answer="`-14`",
                lesson=f"exercises/{slug}.md#{heading}",
                step=f"{slug}/1",
            ),
        )
    )
    return {
        f"exercises/{slug}/README.md": _README.format(**fill),
        f"exercises/{slug}/{slug}.py": _STUB.format(**fill),
        f"exercises/{slug}/test_{slug}.py": _TESTS.format(**fill),
        f"solutions/{slug}/{slug}.py": _SOLUTION.format(**fill),
        f"solutions/{slug}/alternatives/by_addition.py": _ALTERNATIVE.format(**fill),
        f"solutions/{slug}/wrong/squared.py": _WRONG,
        f"solutions/{slug}/NOTES.md": _NOTES.format(**fill),
        f"docs/exercises/{slug}.md": _PAGE.format(**fill),
        f"docs/quizzes/{slug}.yml": f"topic: {slug}\ntitle: {fill['quoted']}\ncards:\n{cards}",
        f"notebooks/{slug}.ipynb": notebook(
            [
                ("markdown", f"# {title}\n\nWhat looking at it teaches more than reading does."),
                ("code", "measured = [2 * value for value in range(5)]\nmeasured"),
                ("markdown", "The number to take away:"),
                ("code", "total = sum(measured)\nassert total == 20\ntotal"),
            ]
        ),
    }


def notebook(cells: list[tuple[str, str]]) -> str:
    """Return a notebook (format 4.5) of `(type, source)` cells, without outputs."""
    content: list[dict[str, object]] = []
    for number, (kind, source) in enumerate(cells, 1):
        cell: dict[str, object] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        content.append(cell | {"source": source.splitlines(keepends=True)})
    record = {
        "cells": content,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"
