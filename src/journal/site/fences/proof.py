"""The proof mark: ``Proof: `tests/…/test_x.py::test_name` `` becomes a small mark that leads to the test.

A Markdown extension (`journal.site.fences.proof` in `markdown_extensions`). The claim stays readable as plain Markdown.
The mark says nothing yet of what the test last said: that is stamped on the finished page (`journal.site.proof_marks`),
so that a run of the tests changes no page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

from journal.content.claims import PROOF, tests_named
from journal.content.test_names import missing_test
from journal.proofs.mark import NOT_RUN
from journal.site.fences.place import Place, place_of
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from markdown import Markdown


def mark(test_id: str, place: Place) -> str:
    """Return the mark for `test_id` as HTML."""
    if fault := missing_test(place.root, test_id):
        return fill("proof-missing.html", name=test_id.rpartition("::")[2], fault=fault)
    proof = test_id.partition("[")[0]
    href = place.link(f"{page_of(proof)}#{anchor(proof)}")
    return fill("proof-mark.html", proof=proof, href=href, state=NOT_RUN, name=readable(proof))


def page_of(proof: str) -> str:
    """Return the page that shows a test, relative to `docs/`: one for each file of tests."""
    stem = proof.partition("::")[0].rpartition("/")[2].removesuffix(".py")
    return f"proofs/{stem.removeprefix('test_').replace('_', '-')}.md"


def anchor(proof: str) -> str:
    """Return the anchor of a test on its page."""
    return re.sub(r"[^\w]+|_", "-", proof.partition("[")[0].partition("::")[2]).strip("-").lower()


def readable(proof: str) -> str:
    """Return a test's name as words, without parameters."""
    return proof.partition("[")[0].rpartition("::")[2].removeprefix("test_").replace("_", " ")


class _Mark(InlineProcessor):
    md: Markdown

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        place = place_of(self.md)
        marks = [mark(test_id, place) for test_id in tests_named(m[1])]
        return self.md.htmlStash.store(" ".join(marks)), m.start(0), m.end(0)


class ProofExtension(Extension):
    """Marks proofs; see the module's docstring."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the mark before inline code takes the backticks away."""
        md.inlinePatterns.register(_Mark(PROOF, md), "journal_proof", 195)


def makeExtension(**options: Any) -> ProofExtension:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return ProofExtension(**options)  # type: ignore[no-untyped-call]
