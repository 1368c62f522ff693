"""The marks of proofs, stamped on a finished page: what each test last said on this machine.

Pages are built without it. The server stamps a page when it answers, and a build the pages that it publishes, so a run
of the tests changes the marks and no page has to be built again.
"""

from __future__ import annotations

import re
import threading
import time
from html import escape
from typing import TYPE_CHECKING

from journal.proofs.mark import Mark, marks
from journal.proofs.named_proofs import named_proofs
from journal.proofs.record import record_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# As templates/proof-mark.html and templates/proof.html write them.
_MARK = re.compile(r'data-proof="([^"]+)" data-state="[^"]*"><span>Proof, [^:]*:')
_WORDS = re.compile(r'data-proof-words="([^"]+)">[^<]*<')
# Marks also change when a file is edited, which no record tells.
_LOOK_AGAIN_S = 30.0


def stamped(page: str, known: Mapping[str, Mark]) -> str:
    """Return the HTML `page` with the state of every proof that `known` knows."""

    def mark(match: re.Match[str]) -> str:
        if match[1] not in known:
            return match[0]
        state = known[match[1]].state
        return f'data-proof="{match[1]}" data-state="{state}"><span>Proof, {state}:'

    def words(match: re.Match[str]) -> str:
        told = escape(known[match[1]].words) if match[1] in known else ""
        return f'data-proof-words="{match[1]}">{told}<' if told else match[0]

    return _WORDS.sub(words, _MARK.sub(mark, page)) if "data-proof" in page else page


def marked(page: str) -> list[str]:
    """Return the proofs whose marks the HTML `page` bears."""
    return [match[1] for match in _MARK.finditer(page)]


def stamp(site: Path, root: Path) -> None:
    """Stamp every page of a built site."""
    known = marks(root, named_proofs(root))
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if (new := stamped(text, known)) != text:
            page.write_text(new, encoding="utf-8")


class LiveMarks:
    """The marks of the journal `root`, read again when a run of the tests has changed the record."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._known: dict[str, Mark] = {}
        self._of: int | None = None
        self._at = 0.0

    def known(self) -> Mapping[str, Mark]:
        """Return the mark of every proof."""
        with self._lock:
            record = record_path(self._root)
            written = record.stat().st_mtime_ns if record.is_file() else 0
            if written != self._of or time.monotonic() - self._at > _LOOK_AGAIN_S:
                self._known = marks(self._root, named_proofs(self._root))
                self._of, self._at = written, time.monotonic()
            return self._known
