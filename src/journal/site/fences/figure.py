"""The figure fence: a picture with its words, or a figure that a reader can change.

    ```figure
    name: lease
    ```

The words are shown to everyone: they say what the picture says, also to readers who don't see it. Without JavaScript a
changeable figure is its first frame and that frame's sentence.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import FenceError, as_fence
from journal.site.figures import read_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


SCALE = 1.55
"""CSS pixels for a point of the drawing, whose text is 8.5 to 11 points high."""


def render(options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the figure that the fence names.

    Raises:
        FenceError: it names none, or one that isn't there.
    """
    name = options.get("name")
    if not isinstance(name, str):
        raise FenceError("it needs `name: …`, the name of a figure")
    try:
        figure = read_figure(place.root, name)
    except FileNotFoundError as error:
        raise FenceError(str(error)) from error
    title, words = html.escape(figure["title"]), html.escape(figure["words"])
    chosen = data = changeable = ""
    if "frames" in figure:
        changeable = " data-figure"
        chosen = f"<details><summary>Which numbers, and why</summary><p>{html.escape(figure['chosen'])}</p></details>"
        kept = {key: figure[key] for key in ("name", "guess", "controls", "frames")}
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        data = f'<script type="application/json">{text}</script>'
    return (
        f'<figure class="rd-figure" id="figure-{name}"{changeable}>'
        f'<div class="rd-figure__drawing" role="img" aria-label="{title}" aria-describedby="figure-{name}-words">'
        f"{_sized(figure['svg'])}</div>"
        f'<figcaption><strong>{title}.</strong> <span id="figure-{name}-words">{words}</span></figcaption>'
        f"{chosen}{data}</figure>"
    )


def _sized(svg: str) -> str:
    """Give the drawing its width at a text size near the page's; the style sheet lets it shrink, never grow."""
    box = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', svg)
    return svg.replace("<svg ", f'<svg width="{float(box[1]) * SCALE:.0f}" ', 1) if box else svg


fence = as_fence(render, "name")
