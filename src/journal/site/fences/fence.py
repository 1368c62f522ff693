"""How a pure `render` becomes a formatter of pymdownx.superfences, and how its faults stop a strict build."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from journal.site.fences.place import Place, log, place_of
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown


# LibYAML, ten times as fast, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FenceError(Exception):
    """A fence's settings are wrong. The message is fact, value and remedy."""


class Render(Protocol):
    """What every fence is: a function of a module, from its settings and its place to HTML."""

    def __call__(self, options: Mapping[str, Any], place: Place, /) -> str:
        """Return the HTML.

        Raises:
            FenceError: the settings mean nothing.
        """


def settings(source: str, *known: str) -> dict[str, Any]:
    """Read a fence's body, which is YAML.

    Raises:
        FenceError: no mapping, or a key that is not among `known`.
    """
    try:
        found = yaml.load(source, _LOADER) if source.strip() else {}  # noqa: S506 - both loaders are safe ones
    except yaml.YAMLError as error:
        raise FenceError(f"its body is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise FenceError(f"its body must be `key: value` lines, got {source.strip()!r}")
    for key in found:
        if key not in known:
            raise FenceError(f"it has no setting {key!r}; known are {', '.join(known) or 'none'}")
    return found


@dataclass(frozen=True, slots=True)
class Fence:
    """A formatter for pymdownx.superfences.

    An object of a module's class, and not a function made in a function: Zensical pickles the settings of Markdown's
    extensions, and a formatter is one of them.

    Attributes:
        render: the function that makes the HTML, defined in a module.
        known: the settings that the fence has.
    """

    render: Render
    known: tuple[str, ...] = ()

    def __call__(
        self,
        source: str,
        language: str,
        css_class: str,  # noqa: ARG002
        options: dict[str, Any],  # noqa: ARG002
        md: Markdown,
        **extra: Any,  # noqa: ARG002
    ) -> str:
        """Return the HTML of a fence whose body is `source`.

        superfences swallows every exception and shows the fence as code instead. A fault is therefore logged as a
        warning, which a strict build counts, and shown in the page, where a writer who runs `mkdocs serve` sees it.
        """
        place = place_of(md)
        try:
            return str(self.render(settings(source, *self.known), place))
        except Exception as error:  # noqa: BLE001
            text = str(error) if isinstance(error, FenceError) else f"{type(error).__name__}: {error}"
            log.warning("docs/%s: the %s fence: %s", place.page, language, text)
            return fill("fault.html", name=language, text=text)


def as_fence(render: Render, *known: str) -> Fence:
    """Make `render(settings, place)` a formatter of the settings `known`."""
    return Fence(render, known)
