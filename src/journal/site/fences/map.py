"""The map fence: everything that is related, as one table: sections, with their steps, decisions and cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.chain import table
from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the table of every section that a step, a decision or a card belongs to."""
    chain = place.library.links
    return table(chain, chain.headings, place, label="The map")


fence = as_fence(render)
