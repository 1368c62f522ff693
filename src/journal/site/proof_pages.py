"""The pages that show the proofs: one for each file of tests, so that a lesson carries marks and no test's source."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from journal.content.test_names import missing_test
from journal.proofs.named_proofs import named_proofs
from journal.site.fences.proof import anchor, page_of, readable

if TYPE_CHECKING:
    from pathlib import Path

    from journal.proofs.named_proofs import Named

INDEX = "proofs/index.md"
_HEAD = '---\ntitle: "{title}"\ndescription: "{description}"\nsearch:\n  exclude: true\n---\n\n# {title}\n'
_LEGEND = """
A mark beside a statement leads to the test that shows it: what the test did, what it saw, what it would have seen if
the statement were false, how it is broken on purpose, and what it last said on this machine.

- ✓ passed
- ○ not run here, or changed since it passed (stale): `make site` runs the quick ones in the background
- ✗ failed
- \N{EN DASH} skipped

"""


def proof_pages(root: Path) -> dict[str, str]:
    """Return the Markdown of each page of proofs by its path below `docs/`, and the page that lists them.

    A proof that no test file defines is left out; the content check names it.
    """
    by_file: dict[str, dict[str, list[Named]]] = defaultdict(dict)
    for proof, named in named_proofs(root).items():
        if not missing_test(root, proof):
            by_file[proof.partition("::")[0]][proof] = named
    pages: dict[str, str] = {}
    for proofs in by_file.values():
        path = page_of(next(iter(proofs)))
        # Two files of one name share a page.
        pages[path] = pages.get(path, _head(path)) + "".join(_proof(proof, named) for proof, named in proofs.items())
    return {INDEX: _index(by_file), **pages} if pages else {}


def _head(path: str) -> str:
    subject = path.removeprefix("proofs/").removesuffix(".md").replace("-", " ")
    return _HEAD.format(
        title=f"Proofs: {subject}", description=f"The tests that show what this journal says: {subject}."
    )


def _proof(proof: str, named: list[Named]) -> str:
    # A title in the form that it has in the mark; markup in a test's name is not possible.
    title = readable(proof)
    where = list(dict.fromkeys((_page(one), one.card or _short(one.path)) for one in named))
    lines = [f"id: {json.dumps(proof)}", f"named: {json.dumps([list(pair) for pair in where], ensure_ascii=False)}"]
    return f"\n## {title[:1].upper()}{title[1:]} {{#{anchor(proof)}}}\n\n```test\n" + "\n".join(lines) + "\n```\n"


def _page(one: Named) -> str:
    path = one.path.removeprefix("docs/")
    return f"{path.removesuffix('.yml')}.md#card-{one.card}" if one.card else path


def _short(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".md").replace("-", " ")


def _index(by_file: dict[str, dict[str, list[Named]]]) -> str:
    count = sum(len(proofs) for proofs in by_file.values())
    title, description = "Proofs", f"The {count} tests that show what this journal says, by the file they stand in."
    rows = [
        f"- [{path}]({page_of(next(iter(proofs))).removeprefix('proofs/')}): "
        f"{len(proofs)} {'proof' if len(proofs) == 1 else 'proofs'}"
        for path, proofs in sorted(by_file.items())
    ]
    return _HEAD.format(title=title, description=description) + _LEGEND + "\n".join(rows) + "\n"
