"""The proof mark: ``Proof: `tests/…/test_x.py::test_name` `` leads to the test, which stands folded at the page's end.

A Markdown extension (`journal.site.fences.proof` in `markdown_extensions`). The claim stays readable as plain Markdown.
"""

from __future__ import annotations

import ast
import html
import re
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from journal.content.claims import PROOF, tests_named
from journal.content.test_names import missing_test
from journal.proofs import evidence
from journal.proofs.freshness import parsed
from journal.proofs.mark import mark_of
from journal.proofs.mutations import mutation_of
from journal.site.fences.place import Place, place_of

if TYPE_CHECKING:
    from markdown import Markdown

    from journal.proofs.mark import Mark
    from journal.proofs.mutations import Mutation

_registered = "journal_proofs"
_marked = "journal_proof_marks"


def mark(test_id: str, place: Place, md: Markdown | None) -> str:
    """Return the mark for `test_id` as HTML, and have the page of `md` show the test at its end."""
    name = html.escape(test_id.rpartition("::")[2])
    if fault := missing_test(place.root, test_id):
        said = html.escape(fault)
        return f'<span class="rd-proof rd-proof--missing" title="{said}">proof missing: <code>{name}</code></span>'
    if md is None:
        return f'<span class="rd-proof">Proof: <code>{name}</code></span>'
    known = _mark_of(test_id, place, md)
    return (
        f'<a class="rd-proof rd-proof--{_css(known)}" href="#{anchor(_register(test_id, md))}">'
        f"<span>Proof</span> {_readable(name)}<small>{html.escape(_state(known))}</small></a>"
    )


def anchor(test_id: str) -> str:
    """Return the anchor of the test's folded source on the page."""
    return "proof-" + re.sub(r"[^\w]+", "-", test_id.partition("::")[2]).strip("-").replace("_", "-")


def source_of(test_id: str, place: Place) -> tuple[str, int]:
    """Return the source of a test that exists, and its first line in the file (decorators included)."""
    path, _, name = test_id.partition("::")
    module = parsed(place.root / path)
    wanted = name.partition("[")[0].split("::")
    body: list[ast.stmt] = module.tree.body
    found: ast.stmt | None = None
    for part in wanted:
        found = next(node for node in body if getattr(node, "name", None) == part)
        body = getattr(found, "body", [])
    assert isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)
    first = min([found.lineno, *(d.lineno for d in found.decorator_list)])
    lines = module.text.splitlines()[first - 1 : found.end_lineno]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines) + "\n", first


def render_test(test_id: str, place: Place, known: Mark | None = None) -> str:
    """Return the folded view of a test: its mark, what was done, seen, what otherwise, its mutation, its source."""
    known = known or mark_of(place.root, test_id)
    source, line = source_of(test_id, place)
    account = evidence(place.root, test_id)
    told = {"Did": account.did, "Saw": account.saw, "Otherwise": account.otherwise}
    if mutation := _mutation(place, test_id):
        told["Broken on purpose"] = f"{mutation.why}, in {mutation.lay or mutation.file}: the test must then fail"
    told["Last run"] = known.words
    rows = "".join(f"<dt>{key}</dt><dd>{html.escape(text)}</dd>" for key, text in told.items() if text)
    path, _, name = test_id.partition("::")
    code = highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight", wrapcode=True))
    return (
        f'<details class="rd-test"><summary>{_readable(html.escape(name))} '
        f'<small class="rd-state rd-state--{_css(known)}">{html.escape(_state(known))}</small></summary>\n'
        f'<div id="{anchor(test_id)}" class="rd-test__body">'
        + (f'<dl class="rd-test__account">{rows}</dl>' if rows else "")
        + f'<p class="rd-test__where"><code>{html.escape(path)}</code>, line {line}. '
        f"Run it: <code>.venv/bin/pytest {html.escape(test_id)}</code></p>{code}</div></details>"
    )


def _css(known: Mark) -> str:
    return known.state.replace(" ", "-")


def _state(known: Mark) -> str:
    """The mark in a few words, as read from the record; the whole of it stands with the test's source."""
    ran = f", {known.run.at[:10]}" if known.run else ""
    return f"{known.state}{ran}"


def _mutation(place: Place, test_id: str) -> Mutation | None:
    return mutation_of(place.root, test_id.partition("[")[0])


def _mark_of(test_id: str, place: Place, md: Markdown) -> Mark:
    """Read the mark once a page."""
    marks: dict[str, Mark] = md.__dict__.setdefault(_marked, {})
    if test_id not in marks:
        marks[test_id] = mark_of(place.root, test_id)
    return marks[test_id]


def _readable(name: str) -> str:
    return name.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _register(test_id: str, md: Markdown) -> str:
    known: list[str] = md.__dict__.setdefault(_registered, [])
    if test_id not in known:
        known.append(test_id)
    return test_id


class _Mark(InlineProcessor):
    md: Markdown

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[str, int, int]:  # type: ignore[override]  # noqa: ARG002, N802
        place = place_of(self.md)
        marks = [mark(test_id, place, self.md) for test_id in tests_named(m[1])]
        return self.md.htmlStash.store(" ".join(marks)), m.start(0), m.end(0)


class _Tests(Treeprocessor):
    """Puts the tests that the page names at its end. Runs after the inline marks, before the table of contents."""

    md: Markdown

    def run(self, root: Element) -> None:
        known: list[str] = self.md.__dict__.get(_registered, [])
        if not known:
            return
        place = place_of(self.md)
        heading = SubElement(root, "h2", {"id": "proofs"})
        heading.text = "Proofs"
        for test_id in known:
            # The search finds what pages say; the source of their tests would drown it.
            holder = SubElement(root, "div", {"class": "rd-tests", "data-search-exclude": ""})
            holder.text = self.md.htmlStash.store(render_test(test_id, place, _mark_of(test_id, place, self.md)))


class ProofExtension(Extension):
    """Marks proofs; see the module's docstring."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register the mark before inline code takes the backticks away."""
        md.registerExtension(self)
        md.inlinePatterns.register(_Mark(PROOF, md), "journal_proof", 195)
        md.treeprocessors.register(_Tests(md), "journal_tests", 15)
        self.md = md

    def reset(self) -> None:
        """Forget the proofs of the page before."""
        self.md.__dict__.pop(_registered, None)
        self.md.__dict__.pop(_marked, None)


def makeExtension(**options: Any) -> ProofExtension:  # noqa: N802
    """Return the extension, as Python-Markdown asks for it."""
    return ProofExtension(**options)  # type: ignore[no-untyped-call]
