"""The exercise fence: the brief of one exercise, which is its README, and how to run it.

The README stays the one text: read in the repository, on the site, and by the page's editor.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from journal.site.fences import markup
from journal.site.fences.chain import adr_links, card_links
from journal.site.fences.fence import FenceError, as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.content.links import Chain
    from journal.site.fences.place import Place

# GitHub reads Markdown inside a fold; Python's reads it only where the fold says so.
_FOLD = re.compile(r"^<details>(?=\s*<summary>)", re.MULTILINE)
_TITLE = re.compile(r"\A\s*# .*\n")
# A step's heading: "## Step 2: cap the delay", "### 2. Cap the delay", "## Stretch 6. One budget".
_STEP = re.compile(
    r"<h(?P<level>[2-6])(?: id=\"[^\"]*\")?>\s*"
    r"(?P<text>(?:Step\s+|Stretch(?:\s+step)?\s+)?(?P<number>\d+)\b.*?)</h(?P=level)>",
    re.IGNORECASE | re.DOTALL,
)


def render(options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the brief of exercise `slug`; step n gets the anchor `step-n`, and the whole `data-exercise`."""
    slug = str(options.get("slug", ""))
    readme = place.root / "exercises" / slug / "README.md"
    if not slug or not readme.is_file():
        raise FenceError(f"there is no exercises/{slug or '<slug>'}/README.md; correct `slug:`")
    text = _TITLE.sub("", readme.read_text(encoding="utf-8"), count=1)
    text = _FOLD.sub('<details markdown="1">', text)
    body = markup.render(text, place, folder=f"exercises/{slug}")
    chain = place.library.links
    steps: dict[str, str] = {}

    def with_anchor(match: re.Match[str]) -> str:
        number, level, title = match["number"], match["level"], match["text"].strip()
        if number in steps:
            return match[0]
        steps[number] = title
        return f'<h{level} id="step-{number}">{title}</h{level}>{_leads_to(chain, f"{slug}/{number}", place)}'

    body = _STEP.sub(with_anchor, body)
    name = html.escape(slug)
    index = "".join(f'<li><a href="#step-{number}">{title}</a></li>' for number, title in steps.items())
    return (
        f'<div class="rd-exercise" data-exercise="{name}">\n'
        f'<div class="rd-run"><p>Edit <code>exercises/{name}/{name}.py</code>, then grade it:</p>'
        f'<pre class="rd-run__command"><code>.venv/bin/pytest exercises/{name}</code></pre>'
        '<p class="rd-run__here"><a href="#workshop">Or write and run it in this page</a></p>'
        + (f'<ul class="rd-run__steps">{index}</ul>' if index else "")
        + f"</div>\n{body}\n{_workshop(name)}</div>"
    )


def _leads_to(chain: Chain, step: str, place: Place) -> str:
    """Return the line below a step's heading that leads to its cards and decisions; the README says where to read."""
    adrs = list(dict.fromkeys(n for name in chain.headings_of_step(step) for n in chain.adrs_of_heading(name)))
    parts = (
        ("Cards", card_links(chain, chain.cards_of_step(step), place)),
        ("Decided in", adr_links(chain, adrs, place)),
    )
    said = " · ".join(f"{word}: {links}" for word, links in parts if links)
    return f'\n<p class="rd-chain__step">{said}</p>' if said else ""


def _workshop(name: str) -> str:
    """Return where the page's editor goes; without JavaScript it says how the exercise is run all the same."""
    return (
        f'<section class="rd-workshop" id="workshop" data-workshop="{name}" aria-labelledby="workshop-title">\n'
        '<h2 id="workshop-title">Write it here</h2>\n'
        f'<div class="rd-workshop__place"><p>The editor needs JavaScript. Without it: write '
        f"<code>exercises/{name}/{name}.py</code> in an editor of yours, and grade it with "
        f"<code>.venv/bin/pytest exercises/{name}</code>.</p></div>\n</section>\n"
    )


fence = as_fence(render, "slug")
