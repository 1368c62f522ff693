"""`journal proofs`: every claim and card with its test, its mark, and the mutation that must turn it red."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from journal.content.repository import find_root
from journal.content.test_names import missing_test
from journal.proofs.collection import collected_tests
from journal.proofs.mark import MISSING, Mark, marks
from journal.proofs.mutations import read_mutations
from journal.proofs.named_proofs import Named, named_proofs
from journal.proofs.record import FAILED, SKIPPED

if TYPE_CHECKING:
    from pathlib import Path

NOT_COLLECTED = "not collected"
_REFUSED = (FAILED, SKIPPED, MISSING, NOT_COLLECTED)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a proof failed, was skipped or is not collected.")
def proofs(*, as_json: bool, strict: bool) -> int:
    """List every claim and card that names a test, with what that test last said."""
    root = find_root()
    named = named_proofs(root)
    found = _with_collection(root, marks(root, named))
    mutations, _ = read_mutations(root)
    if as_json:
        click.echo(json.dumps([_entry(p, found[p], named[p], p in mutations) for p in named], indent=1))
    else:
        for proof, where in named.items():
            click.echo(f"{_sign(found[proof])} {proof}")
            click.echo(f"     {found[proof].words}{'' if proof in mutations else '; no mutation'}")
            for one in where:
                click.echo(f"     {one.path}:{one.line}  {_short(one.what)}")
        click.echo(_sum(found))
    refused = [proof for proof, mark in found.items() if mark.state in _REFUSED]
    if strict and refused:
        for proof in refused:
            click.echo(f"journal: {proof} is {found[proof].state}", err=True)
        return 1
    return 0


def _with_collection(root: Path, found: dict[str, Mark]) -> dict[str, Mark]:
    there = [proof for proof in found if not missing_test(root, proof)]
    collected = collected_tests(root, there)[0] if there else set()
    return {
        proof: Mark(NOT_COLLECTED, mark.run, mark.against) if proof in there and proof not in collected else mark
        for proof, mark in found.items()
    }


def _entry(proof: str, mark: Mark, where: list[Named], has_mutation: bool) -> dict[str, Any]:
    run = mark.run
    return {
        "proof": proof,
        "state": mark.state,
        "against": list(mark.against),
        "at": run.at if run else None,
        "commit": run.commit if run else None,
        "dirty": run.dirty if run else None,
        "mutation": has_mutation,
        "claims": [{"path": one.path, "line": one.line, "card": one.card or None, "text": one.what} for one in where],
    }


def _sign(mark: Mark) -> str:
    return {"passed": "[ok]", "stale": "[..]", "not run here": "[--]"}.get(mark.state, "[NO]")


def _short(text: str, width: int = 90) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def _sum(found: dict[str, Mark]) -> str:
    counts = Counter(mark.state for mark in found.values())
    return f"{len(found)} proofs: " + ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
