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


# Claims about a library, Redis or Python that nothing of ours takes part in: their mutation edits the call in the test.
# A claim about the service or about an exercise must not join this list; it may only become shorter.
LIBRARY_CLAIMS = {
    "test_a_draining_server_refuses_new_calls",
    "test_a_runtime_check_of_a_protocol_compares_names_only",
    "test_a_search_in_a_long_list_takes_the_server_as_long_as_the_list",
    "test_a_write_that_the_replica_has_not_seen_is_lost_in_a_failover",
    "test_asyncio_queue_can_be_shut_down_since_3_13",
    "test_ctrl_c_cancels_the_main_task_of_asyncio_run_and_sigterm_runs_no_finally",
    "test_except_star_takes_its_errors_out_of_nested_groups",
    "test_graceful_stop_drains_and_immediate_stop_kills",
    "test_min_replicas_to_write_refuses_when_no_replica_keeps_up",
    "test_redis_py_runs_a_command_twice_after_one_lost_reply",
    "test_the_same_two_constructors_differ_for_asyncio",
    "test_unhandled_exception_is_unknown_and_500",
    "test_while_a_script_runs_nobody_else_is_served",
}


def test_only_claims_about_a_library_are_mutated_in_their_test():
    in_the_test = {
        proof.partition("::")[2]: mutation
        for proof, mutation in read_mutations(ROOT)[0].items()
        if mutation.file.startswith("tests/")
    }
    assert set(in_the_test) == LIBRARY_CLAIMS
    for name, mutation in in_the_test.items():
        comment = (ROOT / mutation.path).read_text(encoding="utf-8").splitlines()[mutation.line]
        assert comment.startswith("# A claim about "), f"{mutation.path}: say under [{name}] what the claim is about"


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
