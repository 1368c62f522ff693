"""Which headings of a README name a step, and where a step says what to read."""

from __future__ import annotations

import pytest

from grading.steps import StepHeading, step_heading, step_headings, where_to_read

README = """\
# 1. The exercise

## How to work

## 1. Double and cap

Read: [doubling](../../docs/lessons/a.md#doubling).

```
## 2. In a code block
```

### 2: Jitter ##

Read: [jitter](../../docs/lessons/a.md#jitter) and [herds](../../docs/lessons/b.md#herds).

## 3 rules to remember

## Stretch step 6. One budget
"""


@pytest.mark.parametrize(
    ("heading", "step"),
    [
        ("1. Double and cap", StepHeading(1, "Double and cap", stretch=False)),
        ("Step 2: <code>full</code> jitter", StepHeading(2, "<code>full</code> jitter", stretch=False)),
        ("Stretch 6. One budget", StepHeading(6, "One budget", stretch=True)),
        ("6. One budget (stretch)", StepHeading(6, "One budget (stretch)", stretch=True)),
        ("3 rules to remember", None),
        ("How to work", None),
        ("10", None),
    ],
)
def test_a_heading_names_a_step_by_number_point_and_title(heading, step):
    assert step_heading(heading) == step


def test_the_steps_of_a_readme_are_its_headings_outside_code():
    assert [(step.n, step.title, step.stretch, step.line) for step in step_headings(README)] == [
        (1, "Double and cap", False, 5),
        (2, "Jitter", False, 13),
        (6, "One budget", True, 19),
    ]


def test_what_to_read_is_that_of_the_step_alone(tmp_path):
    readme = tmp_path / "backoff" / "README.md"
    assert where_to_read(readme, 1) == []
    readme.parent.mkdir()
    readme.write_text(README, encoding="utf-8")
    assert where_to_read(readme, 1) == ["docs/lessons/a.md#doubling"]
    assert where_to_read(readme, 2) == ["docs/lessons/a.md#jitter", "docs/lessons/b.md#herds"]
    assert where_to_read(readme, 6) == []
