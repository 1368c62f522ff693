"""What a server knows of the proofs: their marks as they are now, and the run in the background that turns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from journal.proofs.background import QuickProofs
from journal.site.proof_marks import LiveMarks, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from journal.proofs.mark import Mark


class ServedProofs:
    """The proofs of the journal `root`; nothing runs before `start`."""

    def __init__(self, root: Path, say: Callable[[str, bool], None] = lambda _line, _last: None) -> None:
        self._marks = LiveMarks(root)
        self._runs = QuickProofs(root, say)
        self.stop = self._runs.stop
        self.pause = self._runs.pause

    def start(self, site: Path) -> None:
        """Run what changed, first what the weekly reviews of the built `site` show: a newcomer begins there."""
        weeks = (page.read_text(encoding="utf-8") for page in (site / "journal").rglob("*.html"))
        self._runs.start({proof for week in weeks for proof in marked(week)})

    def known(self) -> Mapping[str, Mark]:
        """Return the mark of every proof."""
        return self._marks.known()

    @property
    def running(self) -> bool:
        """Whether marks may still turn."""
        return self._runs.running
