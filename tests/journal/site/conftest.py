"""A small journal that is a whole site: what `folder` holds, the pages around it, this configuration.

It lies in a folder of its own, which holds nothing of the engine.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from journal.site.fences.place import Place

ROOT = Path(__file__).resolve().parents[3]

PAGES = {
    "docs/index.md": """\
---
title: Home
description: A small journal.
---

# Home

```this-week
```

```due
```
""",
    "docs/due.md": "---\ntitle: Due\ndescription: Today.\n---\n\n# Due\n\n```due\n```\n",
    "docs/roadmap.md": """\
---
title: Roadmap
description: Done, now, next.
---

# Roadmap

```breadcrumbs
```

```roadmap
places:
  - {place: Month 1, month: 1, what: Errors.}
  - {place: Month 5, month: 5, what: The capstone.}
  - {place: Month 6, month: 6, what: Production.}
```
""",
    "docs/journal/index.md": """\
---
title: Journal
description: Every week.
---

# Journal

```breadcrumbs
```

```journal-index
```
""",
    "docs/journal/month-05/week-04.md": """\
---
title: Month 5 · Week 4
description: The week of the capstone.
month: 5
week: 4
days: [134, 140]
hours: 10.5
days_hit: 7
exercises: 3
commits: 7
confidence: 3.3
---

# Month 5 · Week 4

```breadcrumbs
```

## The week in one line

From nothing to a *tag*.

## Lessons learned

- A pop loses the job.
  Proof: `tests/course/lessons/test_retries.py::test_pop`

## Metrics

Half of 3/5 is not 1/2. Confidence was 3.3/5.

```metrics
```
""",
    "docs/adr/index.md": "---\ntitle: Decisions\ndescription: All.\n---\n\n# Decisions\n\n```adr-log\n```\n",
    "docs/quizzes/index.md": "---\ntitle: Cards\ndescription: All.\n---\n\n# Cards\n\n```decks\n```\n",
    "solutions/backoff/backoff.py": (
        "# --8<-- [start:ceiling]\ndef ceiling_s(attempt):\n    return 1\n# --8<-- [end:ceiling]\n"
    ),
}


@pytest.fixture
def journal_site(folder):
    """The journal of `folder`, complete enough for a strict build."""
    for name, text in PAGES.items():
        folder.write(name, text)
    folder.change(
        "docs/lessons/day-137-retries.md",
        "## What to retry\n",
        '## What to retry\n\n```python\n--8<-- "solutions/backoff/backoff.py:ceiling"\n```\n',
    )
    foreign_settings(folder)
    return folder


def foreign_settings(folder):
    """Write this journal's settings for MkDocs, as a journal in another folder than its engine has them."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    text = re.sub(r"^(?:watch|  favicon): .*\n", "", text, flags=re.MULTILINE)
    folder.write("mkdocs.yml", text.replace("hooks: [src/journal/site/hooks.py]", "hooks: [hooks.py]"))
    folder.write("hooks.py", "from journal.site.hooks import *\n")


@pytest.fixture
def place(journal_site):
    """The page of the week, in that journal."""
    return Place(root=journal_site.path, page="docs/journal/month-05/week-04.md".removeprefix("docs/"))
