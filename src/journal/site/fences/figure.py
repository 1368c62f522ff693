"""The figure fence: a picture with its words, or a figure that a reader can change.

    ```figure
    name: lease
    ```

The words are shown to everyone: they say what the picture says, also to readers who don't see it. Without JavaScript a
changeable figure is its first frame and that frame's sentence.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill
from journal.site.figures import read_figure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


SCALE = 1.55
"""CSS pixels for a point of the drawing, whose text is 8.5 to 11 points high."""


def render(options: Mapping[str, Any], place: Place) -> str:
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
    kept = {key: figure[key] for key in ("name", "guess", "controls", "frames") if key in figure}
    # `<` would end the script; the page's script reads it back as what it was.
    data = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return fill(
        "figure.html",
        name=name,
        title=figure["title"],
        words=figure["words"],
        drawing=Markup(_sized(figure["svg"])),  # noqa: S704 - drawn before the build, from sources of this journal
        chosen=figure["chosen"] if "frames" in figure else "",
        data=Markup(data) if "frames" in figure else "",  # noqa: S704 - JSON that cannot end the script
    )


def _sized(svg: str) -> str:
    """Give the drawing its width at a text size near the page's; the style sheet lets it shrink, never grow."""
    box = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', svg)
    return svg.replace("<svg ", f'<svg width="{float(box[1]) * SCALE:.0f}" ', 1) if box else svg


fence = as_fence(render, "name")
