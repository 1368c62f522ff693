"""The test fence: a test that is a proof, on the page of its file, with what it did, what it saw, and its source."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from journal.content.test_names import missing_test
from journal.proofs import evidence
from journal.proofs.freshness import parsed
from journal.proofs.mark import NOT_RUN
from journal.proofs.mutations import mutation_of
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import Link, fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.site.fences.place import Place


_LEXER = PythonLexer()
_FORMATTER = HtmlFormatter(cssclass="highlight", wrapcode=True)


def render(options: Mapping[str, Any], place: Place) -> str:
    """Return the test `id`; `named` says where it is a proof, as pairs of a page of `docs/` and a text."""
    proof = str(options.get("id", ""))
    if fault := missing_test(place.root, proof):
        raise FenceError(fault)
    source, line = source_of(proof, place.root)
    account = evidence(place.root, proof)
    told = {"Did": account.did, "Saw": account.saw, "Otherwise": account.otherwise}
    if mutation := mutation_of(place.root, proof):
        told["Broken on purpose"] = f"{mutation.why}, in {mutation.lay or mutation.file}: the test must then fail"
    return fill(
        "proof.html",
        proof=proof,
        account=told,
        words=NOT_RUN,
        named=[Link(place.link(str(page)), str(text)) for page, text in options.get("named") or []],
        path=proof.partition("::")[0],
        line=line,
        code=_highlighted(source),
    )


@lru_cache(maxsize=4096)
def _highlighted(source: str) -> Markup:
    """Return a test's source in colours, once for all builds of `mkdocs serve`."""
    return Markup(highlight(source, _LEXER, _FORMATTER))  # noqa: S704 - Pygments has escaped it


def source_of(proof: str, root: Path) -> tuple[str, int]:
    """Return the source of a test that exists, and its first line in the file (decorators included)."""
    path, _, name = proof.partition("::")
    module = parsed(root / path)
    body: list[ast.stmt] = module.tree.body
    found: ast.stmt | None = None
    for part in name.split("::"):
        found = next(node for node in body if getattr(node, "name", None) == part)
        body = getattr(found, "body", [])
    assert isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)
    first = min([found.lineno, *(d.lineno for d in found.decorator_list)])
    lines = module.text.splitlines()[first - 1 : found.end_lineno]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(line[indent:] for line in lines) + "\n", first


fence = as_fence(render, "id", "named")
