"""Check that accepted decisions are not edited: `docs/adr/frozen.yml` holds a digest of each decision's text.

The digest leaves out the front matter, because a successor changes the status of the decision that it supersedes. It
also leaves out the names of tests and the targets of links, which change when files move. It covers all other text.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import yaml

from journal.content.decisions import read_adrs
from journal.content.pages import read_page
from journal.content.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.content.decisions import Adr

FILE = "docs/adr/frozen.yml"
# A proposal is still being written; it is frozen when it is accepted.
_OPEN = ("proposed",)
_PROOF = re.compile(r"^\s*Proofs?:\s.*$", re.MULTILINE)
_TARGET = re.compile(r"\]\([^)]*\)")


def digest(adr: Adr, root: Path) -> str:
    """Return the SHA-256 of a decision's text, with every run of white space replaced by one blank."""
    text = "\n".join(line for _, line in read_page(root / adr.path, root)[0].body)
    said = " ".join(_TARGET.sub("]", _PROOF.sub("", text)).split())
    return hashlib.sha256(said.encode()).hexdigest()


def frozen(root: Path) -> Mapping[int, str]:
    """Return the stored digests by number; none if nothing has been frozen yet."""
    file = root / FILE
    return yaml.safe_load(file.read_text(encoding="utf-8")) or {} if file.is_file() else {}


def freeze(root: Path) -> list[int]:
    """Add digests of decisions that have none and are no longer proposals; return their numbers."""
    kept = dict(frozen(root))
    new = [adr for adr in read_adrs(root)[0] if adr.status not in _OPEN and adr.number not in kept]
    if new:
        kept |= {adr.number: digest(adr, root) for adr in new}
        lines = "".join(f"{number}: {kept[number]}\n" for number in sorted(kept))
        head = "# What each decision said when it was accepted; `journal adr freeze` adds to it. Never edit a line.\n"
        (root / FILE).write_text(head + lines, encoding="utf-8")
    return [adr.number for adr in new]


def frozen_problems(root: Path) -> list[Problem]:
    """Return accepted decisions whose text has changed or was never frozen; none if there is no file of digests."""
    kept = frozen(root)
    if not kept:
        return []
    adrs = read_adrs(root)[0]
    found = [
        Problem(
            adr.path, 1, "the text has changed since it was accepted; restore it from git, and write a successor: "
            f"journal new adr … --supersedes {adr.number}",
        )
        for adr in adrs
        if adr.number in kept and kept[adr.number] != digest(adr, root)
    ]  # fmt: skip
    found += [
        Problem(adr.path, 1, f"the decision is {adr.status} and not frozen yet; run `journal adr freeze`")
        for adr in adrs
        if adr.number not in kept and adr.status not in _OPEN
    ]
    gone = sorted(kept.keys() - {adr.number for adr in adrs})
    return found + [
        Problem(FILE, 1, f"decision {number} is frozen, and its file is gone; restore it") for number in gone
    ]
