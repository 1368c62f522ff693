"""The mutations of proofs: how they are written, what is wrong with one, and what counts as caught."""

from __future__ import annotations

import pytest

from journal.proofs.mutating import survivors
from journal.proofs.mutations import mutation_problems, read_mutations
from journal.proofs.named_proofs import named_proofs
from tests.journal.conftest import PYTEST

FILE = "tests/mutations/test_retries.toml"
TESTS = "tests/course/lessons/test_retries.py"
MUTATIONS = f"""\
tests = "{TESTS}"

[test_herd]
why = "nobody is served"
file = "subject.py"
find = "return 1"
replace = "return 2"

[test_pop]
why = "another subject"
file = "subject.py"
lay = "wrong.py"
"""
SOURCE = '''\
import pytest

from subject import served


@pytest.fixture
def one():
    return served()


def test_herd():
    """Did: a. Saw: b. Otherwise: c."""
    assert served() == 1


@pytest.mark.parametrize("times", [1, 2])
def test_pop(times, one):
    """Did: a. Saw: b. Otherwise: c."""
    assert served() * times == times
'''


@pytest.fixture
def mutated(folder):
    """The small journal with a subject, two proofs that run, and their mutations."""
    folder.write("tests/conftest.py", "")
    folder.write("subject.py", "def served():\n    return 1\n")
    folder.write("wrong.py", "def served():\n    return 3\n")
    folder.write(TESTS, SOURCE)
    folder.write("pyproject.toml", PYTEST)
    folder.write(FILE, MUTATIONS)
    return folder


def problems(folder):
    return [str(problem) for problem in mutation_problems(folder.path, named_proofs(folder.path))]


def verdicts(folder):
    found = survivors(folder.path, read_mutations(folder.path)[0].values(), workers=1, limit_s=20)
    return [str(verdict) for verdict in found]


def test_mutation_for_every_proof_is_no_problem(mutated):
    assert problems(mutated) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('[test_pop]\nwhy = "another subject"\nfile = "subject.py"\nlay = "wrong.py"\n', "", f"{FILE}: {TESTS}::test_"),
        ('find = "return 1"', 'find = "return"', ""),
        ('find = "return 1"', 'find = "return 7"', f"{FILE}:3: the mutation of test_herd cannot be made: `find` occ"),
        ('find = "return 1"', 'find = "r"', f"{FILE}:3: the mutation of test_herd cannot be made: `find` occurs 3"),
        ('replace = "return 2"', 'replace = "return 1"', f"{FILE}:3: the mutation of test_herd cannot be made: `find`"),
        ('file = "subject.py"\nfind', 'file = "gone.py"\nfind', f"{FILE}:3: the mutation of test_herd cannot be"),
        ('lay = "wrong.py"', 'lay = "gone.py"', f"{FILE}:9: the mutation of test_pop cannot be made: gone.py does not"),
        ('why = "nobody is served"\n', "", f"{FILE}:3: the mutation of test_herd: it lacks why"),
        ('why = "nobody', 'reason = "nobody', f"{FILE}:3: the mutation of test_herd: it has no key 'reason'"),
        ("[test_herd]", "[test_gone]", f"{FILE}:3: the mutation of test_gone: {TESTS} defines no test 'test_gone'"),
        ("[test_herd]", "[test_herd", f"{FILE}: this is no TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_mutation_is_reported_with_its_file(mutated, old, new, says):
    mutated.change(FILE, old, new)
    found = problems(mutated)
    assert any(fault.startswith(says) for fault in found) if says else found == [], found


def test_mutation_of_what_proves_nothing_is_reported(mutated):
    mutated.write(TESTS, SOURCE + "\n\ndef test_more():\n    pass\n")
    mutated.write(FILE, MUTATIONS + '\n[test_more]\nwhy = "x"\nfile = "subject.py"\nlay = "wrong.py"\n')
    assert problems(mutated) == [f"{FILE}:14: {TESTS}::test_more is no proof of anything; leave its mutation out"]


def test_mutation_that_turns_its_proof_red_is_caught_and_the_tree_is_left_alone(mutated):
    before = {file: file.read_bytes() for file in mutated.path.rglob("*") if file.is_file()}
    assert verdicts(mutated) == []
    assert {file: file.read_bytes() for file in mutated.path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (TESTS, "assert served() == 1", "assert served()", "the test passed all the same; it does not show the claim"),
        (FILE, 'replace = "return 2"', 'replace = "return ("', "error"),
        (FILE, 'replace = "return 2"', 'replace = "return nothing"', "the changed file is broken, not wrong: failed"),
        (FILE, 'replace = "return 2"', 'replace = "raise OSError"', ""),
        (TESTS, "assert served() == 1", "assert served() == 5", "its test does not pass without the mutation either"),
        (TESTS, "    assert served() == 1", "    pytest.skip('no server')", "its test does not pass without"),
    ],
)  # fmt: skip
def test_only_a_test_that_fails_while_it_runs_has_caught_anything(mutated, file, old, new, says):
    mutated.change(file, old, new)
    found = [verdict for verdict in verdicts(mutated) if "test_herd" in verdict]
    assert (len(found) == 1 and says in found[0]) if says else found == [], found


def test_error_in_a_fixture_has_caught_nothing(mutated):
    mutated.change(FILE, 'file = "subject.py"\nlay = "wrong.py"', 'file = "subject.py"\nfind = "1"\nreplace = "1 / 0"')
    [verdict] = [verdict for verdict in verdicts(mutated) if "test_pop" in verdict]
    assert "error" in verdict


def test_run_that_does_not_end_has_caught_nothing(mutated):
    mutated.change(FILE, 'replace = "return 2"', 'replace = """while True:\n        pass"""')
    found = survivors(mutated.path, read_mutations(mutated.path)[0].values(), workers=1, limit_s=3)
    assert "it ran longer than 3 s and was ended" in str(found[0])
