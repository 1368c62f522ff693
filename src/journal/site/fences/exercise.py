"""The exercise fence: the brief of one exercise, which is its README, and how to run it.

The README stays the one text: read in the repository, on the site, and by the page's editor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from grading.steps import step_heading
from journal.site.fences import markup
from journal.site.fences.chain import adr_links, card_links
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place

# GitHub reads Markdown inside a fold; Python's reads it only where the fold says so.
_FOLD = re.compile(r"^<details>(?=\s*<summary>)", re.MULTILINE)
_TITLE = re.compile(r"\A\s*# .*\n")
_HEADING = re.compile(r"<h(?P<level>[2-6])(?: id=\"[^\"]*\")?>(?P<text>.*?)</h(?P=level)>", re.DOTALL)


def render(options: Mapping[str, Any], place: Place) -> str:
    """Return the brief of exercise `slug`; step n gets the anchor `step-n`, and the whole `data-exercise`."""
    slug = str(options.get("slug", ""))
    readme = place.root / "exercises" / slug / "README.md"
    if not slug or not readme.is_file():
        raise FenceError(f"there is no exercises/{slug or '<slug>'}/README.md; correct `slug:`")
    text = _TITLE.sub("", readme.read_text(encoding="utf-8"), count=1)
    text = _FOLD.sub('<details markdown="1">', text)
    body = markup.render(text, place, folder=f"exercises/{slug}")
    steps: dict[int, Markup] = {}

    def with_anchor(match: re.Match[str]) -> str:
        described = step_heading(match["text"])
        if described is None or described.n in steps:
            return match[0]
        steps[described.n] = Markup(match["text"].strip())  # noqa: S704 - a heading of the README, rendered above
        return _step(slug, described.n, match["level"], steps[described.n], place)

    whole = Markup(_HEADING.sub(with_anchor, body))  # noqa: S704 - the README, rendered above
    return fill("exercise.html", slug=slug, body=whole, steps=steps)


def _step(slug: str, number: int, level: str, title: Markup, place: Place) -> str:
    """Return a step's heading, and what leads to its cards and decisions; the README says where to read."""
    chain = place.library.links
    step = f"{slug}/{number}"
    adrs = list(dict.fromkeys(n for name in chain.headings_of_step(step) for n in chain.adrs_of_heading(name)))
    return fill(
        "exercise-step.html",
        number=number,
        level=level,
        title=title,
        cards=card_links(chain, chain.cards_of_step(step), place),
        adrs=adr_links(chain, adrs, place),
    )


fence = as_fence(render, "slug")
