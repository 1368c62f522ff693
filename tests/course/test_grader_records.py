"""The record of graded graders: what `journal course --record` keeps, and what the page says of it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from journal.course import command, find_exercises
from journal.course.grades import Tally, grade_all
from journal.course.records import GraderRecord, digest, read_records, record, record_path
from journal.site.fences import graders
from journal.site.fences.place import Place
from tests.course.conftest import TEST_1, TEST_2


@pytest.fixture
def whole(toy, monkeypatch):
    """A complete toy, with three wrong solutions: each costs a run, and no number here needs nine."""
    toy.complete()
    for number in range(2, 8):
        (toy.root / f"solutions/toy/wrong/adds_two_{number}.py").unlink()
    monkeypatch.setattr("journal.course.grades.MIN_WRONG", 3)
    toy.commit()
    monkeypatch.setenv("REDRIVE_ROOT", str(toy.root))
    return toy


def page(toy):
    html = graders.render({}, Place(root=toy.root, page="reference/graders.md"))
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def recorded(toy, *arguments):
    return CliRunner().invoke(command, ["toy", "--record", *arguments], catch_exceptions=True)


def test_page_without_a_record_says_so_and_how_to_make_one(whole):
    assert read_records(whole.root) == {}
    said = page(whole)
    assert "Not run here: toy. .venv/bin/journal course --record" in said
    assert "toy not run here" in said


def test_record_holds_what_came_out_and_the_page_shows_it(whole):
    """The page's numbers are those of the run.

    Did: graded a complete toy exercise with its mutants, then changed a test.
    Saw: three wrong solutions caught, two right ones accepted, every mutant killed, no flaky verdict; then the mark
        that something has changed since.
    Otherwise: a number would be missing or would not follow the files.
    """
    assert "saved in .redrive/graders.json" in recorded(whole).output
    one = read_records(whole.root)["toy"]
    assert (one.accepted, one.solutions, one.caught, one.wrong) == (2, 2, 3, 3)
    assert (one.steps, one.sweeps, one.wrong_sweeps, one.flaky) == (2, 1, 1, ())
    assert (one.killed, one.alive, one.equivalent) == (one.mutants, 0, 0)
    assert one.mutants >= 3
    assert one.solution_s > 0
    assert len(one.commit) == 10
    said = page(whole)
    assert f"toy 2 of 2 3 of 3 {one.mutants} of {one.mutants} 0 1, wrong ones 1 0" in said
    assert f"{one.on}, {one.commit}" in said
    assert "changed since" not in said
    whole.change(TEST_1, "double(3)", "double(3 )")
    assert "(changed since)" in page(whole)


def test_what_did_not_come_out_is_recorded_as_well(whole):
    whole.write("solutions/toy/wrong/adds_two_0.py", (whole.root / "solutions/toy/toy.py").read_text())
    whole.change("solutions/toy/wrong/adds_two_1.py", "n + 2", "n + n")
    result = recorded(whole)
    assert result.exit_code != 0
    one = read_records(whole.root)["toy"]
    assert (one.caught, one.wrong) == (1, 3)


def test_verdict_that_wavers_between_seeds_is_flaky(whole):
    """A wrong solution that is caught under some seeds only is named.

    Did: swept 20 sweeps of seeds over a wrong solution that is wrong when a network's seed is above 1000.
    Saw: its file is listed as flaky and not as caught; no other file is.
    Otherwise: it would count as caught after the first sweep that caught it.
    """
    whole.change(
        TEST_2,
        'got = await take(redis)\n    assert got == b"a"',
        'got = await take(redis)\n    assert got == b"a" and (seed < 1000 or not hasattr(take, "wavers"))',
    )
    text = (whole.root / "solutions/toy/wrong/adds_two_0.py").read_text()
    wavers = (
        "def wavers(function):\n    function.wavers = True\n    return function\n\n\n@wavers\nasync def take(redis):\n"
    )
    whole.write("solutions/toy/wrong/adds_two_0.py", f'{text}\n\n{wavers}    return await redis.lpop("ready")\n')
    (exercise,) = find_exercises(whole.root)
    found = grade_all([exercise], seeds=20)
    tally = found.tallies["toy"]
    assert tally.flaky == ("solutions/toy/wrong/adds_two_0.py",)
    assert (tally.caught, tally.wrong, tally.sweeps, tally.wrong_sweeps) == (2, 3, 20, 2)
    assert tally.accepted == tally.solutions == 2


def test_equivalent_mutants_are_shown_with_their_reasons(whole):
    whole.write(
        "solutions/toy/equivalent.toml",
        '[[equivalent]]\nfunction = "double"\nchange = "2 as <3>"\nreason = "Nobody asks."\n',
    )
    assert "toy: 1 mutants that no caller can tell double : 2 as &lt;3&gt; . Nobody asks." in page(whole)


@pytest.mark.parametrize("text", ["", "[]", '{"exercises": [{"slug": "toy"}]}', '{"exercises": 3}'])
def test_record_that_cannot_be_read_is_none(whole, text):
    record_path(whole.root).parent.mkdir()
    record_path(whole.root).write_text(text)
    assert read_records(whole.root) == {}


def test_record_of_other_exercises_stays(whole):
    other = GraderRecord("other", "2026-11-24", "", False, "0", 2, 2, 2, 3, 3, 1, 1, (), 1.0, 3, 3, 0, 0)
    path = record_path(whole.root)
    path.parent.mkdir()
    path.write_text(json.dumps({"v": 1, "exercises": [asdict(other)]}))
    record(whole.root, find_exercises(whole.root), {"toy": Tally(2, 2, 2, 3, 3, 1, 1, ())}, {})
    records = read_records(whole.root)
    assert sorted(records) == ["other", "toy"]
    assert records["other"] == other


def test_digest_follows_every_file_that_decides(whole):
    (exercise,) = find_exercises(whole.root)
    seen = {digest(exercise)}
    for path in (
        TEST_1,
        TEST_2,
        "src/grading/explain.py",
        "solutions/toy/toy.py",
        "solutions/toy/wrong/takes_the_last.py",
        "solutions/toy/alternatives/by_adding.py",
    ):
        whole.write(path, (whole.root / path).read_text() + "\n# more\n")
        seen.add(digest(exercise))
    whole.write("solutions/toy/equivalent.toml", "")
    assert len(seen | {digest(exercise)}) == 8
