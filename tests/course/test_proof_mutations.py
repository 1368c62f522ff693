"""Every proof has its mutation, and every mutation turns its proof red: a proof that cannot fail proves nothing."""

from __future__ import annotations

import math
import os
from datetime import date

import pytest

from journal.content.library import library
from journal.proofs.mutating import survivors
from journal.proofs.mutations import mutation_problems, read_mutations
from journal.proofs.named_proofs import named_proofs
from tests.course.conftest import ROOT

LONG_SCALE = float(os.environ.get("LONG_SCALE", "1"))
AT_LEAST = 10


def test_every_proof_has_a_mutation_that_can_be_made():
    problems = mutation_problems(ROOT, named_proofs(ROOT))
    assert problems == [], "\n".join(map(str, problems))


def test_a_decision_is_reversed_in_the_program_and_not_in_its_test():
    mutations = read_mutations(ROOT)[0]
    confirming = {proof for adr in library(ROOT).decisions for claim in adr.confirmation for proof in claim.proofs}
    assert sorted(proof for proof in confirming if mutations[proof].file.startswith("tests/")) == []


def chosen(mutations, scale, day):
    """Return all mutations, or those whose turn it is on this day: in as many days as it takes, every one."""
    count = len(mutations) if scale >= 1 else min(len(mutations), max(AT_LEAST, math.ceil(len(mutations) * scale)))
    start = day * count % len(mutations)
    return (mutations + mutations)[start : start + count]


def test_a_tenth_rotates_through_all_of_them():
    seen = [number for day in range(12) for number in chosen(list(range(116)), 0.1, day)]
    assert set(seen) == set(range(116))
    assert chosen(list(range(116)), 1.0, 7) == [*range(116 * 7 % 116, 116)]
    assert len(chosen(list(range(40)), 0.1, 3)) == AT_LEAST
    assert chosen([1, 2], 0.1, 1) == [1, 2]


@pytest.mark.long
@pytest.mark.alone
def test_every_mutation_turns_its_proof_red():
    mutations = list(read_mutations(ROOT)[0].values())
    found = survivors(ROOT, chosen(mutations, LONG_SCALE, date.today().toordinal()))  # noqa: DTZ011
    assert found == [], f"{len(found)} not caught:\n" + "\n".join(map(str, found))
