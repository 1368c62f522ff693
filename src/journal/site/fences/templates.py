"""The HTML of fences: Jinja templates in `site/templates`, filled with plain values, which are escaped.

Text that is HTML already (rendered Markdown, a drawing) is `Markup`, and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

FOLDER = Path(__file__).resolve().parents[1] / "templates"
# A missing value is a fault of ours, and must not become an empty cell.
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to show: where to, its text, and a title for the pointer."""

    href: str
    text: str
    title: str = ""


def fill(template: str, /, **values: Any) -> Markup:
    """Return `site/templates/<template>` filled with `values`.

    Raises:
        jinja2.UndefinedError: the template asks for a value that is not there.
    """
    return Markup(_template(template).render(values).strip())  # noqa: S704 - the template has escaped every value


@cache
def _template(name: str) -> Template:
    return _ENVIRONMENT.get_template(name)
