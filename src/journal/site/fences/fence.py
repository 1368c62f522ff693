"""How a pure `render` becomes a formatter of pymdownx.superfences, and how its faults stop a strict build."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from journal.site.fences.place import Place, log, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from markdown import Markdown


class FenceError(Exception):
    """A fence's settings are wrong. The message is fact, value and remedy."""


class Formatter(Protocol):
    """What pymdownx.superfences calls."""

    def __call__(
        self, source: str, language: str, css_class: str, options: dict[str, Any], md: Markdown, **extra: Any
    ) -> str:
        """Return the HTML of a fence whose body is `source`."""


def settings(source: str, *known: str) -> dict[str, Any]:
    """Read a fence's body, which is YAML.

    Raises:
        FenceError: no mapping, or a key that is not among `known`.
    """
    try:
        found = yaml.safe_load(source) if source.strip() else {}
    except yaml.YAMLError as error:
        raise FenceError(f"its body is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise FenceError(f"its body must be `key: value` lines, got {source.strip()!r}")
    for key in found:
        if key not in known:
            raise FenceError(f"it has no setting {key!r}; known are {', '.join(known) or 'none'}")
    return found


def as_fence(render: Callable[[Mapping[str, Any], Place, Markdown], str], *known: str) -> Formatter:
    """Make `render(settings, place, md)` a formatter.

    superfences swallows every exception and shows the fence as code instead. A fault is therefore logged as a warning,
    which a strict build counts, and shown in the page, where a writer who runs `mkdocs serve` sees it.
    """

    def formatter(
        source: str,
        language: str,
        css_class: str,  # noqa: ARG001
        options: dict[str, Any],  # noqa: ARG001
        md: Markdown,
        **extra: Any,  # noqa: ARG001
    ) -> str:
        place = place_of(md)
        try:
            return render(settings(source, *known), place, md)
        except Exception as error:  # noqa: BLE001
            text = str(error) if isinstance(error, FenceError) else f"{type(error).__name__}: {error}"
            log.warning("docs/%s: the %s fence: %s", place.page, language, text)
            return f'<p class="rd-fault">The {html.escape(language)} fence: {html.escape(text)}</p>'

    return formatter
