"""The `journal` command, through its own entry: what it prints, what it returns, what it leaves on the disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from grading.splice import splice_file
from journal import cli
from journal.check import check_all
from journal.content.library import library
from journal.review.history import History, new_event

DECK = "docs/quizzes/backoff.yml"


@pytest.fixture
def command(folder, recording, monkeypatch, capsys):
    """Run `journal …` in the folder of the test; gives exit code, output, errors."""
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))

    def run(*arguments):
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def history(recording):
    return History(recording)


def rated(card, rating, at=None):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, at or datetime.now(UTC))


def ran(at=None, slug="backoff", **steps):
    named = {name.removeprefix("step_"): outcome for name, outcome in steps.items()}
    return new_event("run", {"slug": slug, "steps": named, "code_sha": "a" * 40}, at or datetime.now(UTC))


def test_every_command_whose_module_is_there_explains_itself(command):
    code, out, _ = command("--help")
    assert code == 0
    for name in cli.COMMANDS:
        if f"\n  {name} " in out:
            assert command(name, "--help")[0] == 0
    assert "quiz" in out


def test_command_whose_module_is_absent_is_left_out(command, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "ghost", "journal.no_such_module:ghost")
    code, out, _ = command("--help")
    assert code == 0
    assert "ghost" not in out
    code, _, err = command("ghost")
    assert code == 2
    assert "No such command 'ghost'" in err


def test_quiz_without_a_terminal_prints_cards_and_records_nothing(command, history):
    code, out, _ = command("quiz")
    assert code == 0
    assert "3 cards to review. Nothing is recorded" in out
    assert "Answer: A delay uniform between zero and the ceiling." in out
    assert "\x1b" not in out
    assert history.load().events == ()


def test_quiz_of_an_unknown_topic_names_the_known(command):
    code, _, err = command("quiz", "--topic", "cooking")
    assert (code, err) == (1, "Error: there is no deck 'cooking'; the decks are backoff\n")


def test_quiz_asks_the_good_cards_of_a_faulty_deck_and_says_so(command, folder):
    folder.change(DECK, "answer: What is transient.", "answer:")
    code, out, err = command("quiz")
    assert code == 0
    assert "2 cards to review" in out
    assert f"1 fault in the decks; the cards concerned are not asked:\n  {DECK}:21:" in err


def test_damaged_history_is_reported_and_the_rest_is_used(command, history):
    history.append(rated("backoff-01", 4))
    with history.path.open("a") as file:
        file.write("rubbish\n")
    code, out, err = command("due")
    assert code == 0
    assert "0 cards due today, 2 new." in out
    assert f"{history.path}:2: is no JSON" in err


def test_unreadable_history_is_one_sentence(command, recording):
    recording.mkdir()
    code, _, err = command("due")
    assert code == 1
    assert "Traceback" not in err
    assert str(recording) in err


def test_next_names_step_reading_and_cards(command, history):
    code, out, _ = command("next")
    assert code == 0
    assert "Next: backoff, step 1 of 2: ceiling" in out
    assert "read  docs/lessons/day-137-retries.md\n" in out
    history.append(ran(step_1="passed", step_2="failed"))
    _, out, _ = command("next")
    assert "Next: backoff, step 2 of 2: jitter (failed the last time)\n" in out
    assert "read  docs/lessons/day-137-retries.md#full-jitter\n" in out
    assert "Cards: 0 due, 3 new. Answer them: journal quiz" in out
    history.append(ran(step_1="passed", step_2="passed"))
    assert "Every core step of every exercise is passed." in command("next")[1]


def test_failed_step_shows_in_next_and_due(command, history):
    history.append(rated("backoff-01", 4, datetime(2026, 11, 1, tzinfo=UTC)))
    history.append(rated("backoff-01", 4, datetime(2026, 11, 10, tzinfo=UTC)))
    history.append(ran(at=datetime(2026, 11, 11, tzinfo=UTC), step_2="failed"))
    assert "1 card came back because a run failed at backoff/2." in command("next")[1]
    assert "backoff-01  2026-11-11" in command("due", "--cards")[1]


def test_stats_add_the_history_up(command, history):
    history.append(rated("backoff-01", 4), ran(step_1="passed"))
    history.append(new_event("confidence", {"topic": "backoff", "value": 2}, datetime.now(UTC)))
    code, out, _ = command("stats")
    assert code == 0
    assert "3 cards: 0 due today, 2 new." in out
    assert "1 review: 1 today, 1 in the last 7 days." in out
    assert "1 day hit; current streak 1, longest 1." in out
    assert "backoff  2 of 5" in out
    assert "backoff  1 of 2 core steps passed" in out


def test_confidence_is_recorded(command, history):
    assert command("confidence", "backoff", "4")[:2] == (0, "backoff: 4 of 5.\n")
    [event] = history.load().events
    assert event.fields == {"topic": "backoff", "value": 4}
    assert command("confidence", "backoff", "6")[0] == 2
    assert "there is no topic 'x'; the topics are backoff" in command("confidence", "x", "3")[2]


def test_history_is_exported_merged_and_found(command, history, tmp_path):
    history.append(rated("backoff-01", 3), rated("backoff-02", 3))
    out_file = tmp_path / "out.jsonl"
    assert command("history", "export", str(out_file))[:2] == (0, f"2 events written to {out_file}.\n")
    code, _, err = command("history", "export", str(out_file))
    assert code == 1
    assert "exists already and was not changed" in err
    history.path.unlink()
    assert command("history", "merge", str(out_file))[1] == "2 events added, 0 already here.\n"
    assert command("history", "merge", str(out_file))[1] == "0 events added, 2 already here.\n"
    code, _, err = command("history", "merge", str(tmp_path / "gone.jsonl"))
    assert code == 1
    assert "gone.jsonl: No such file or directory" in err
    assert command("history", "path")[1] == f"{history.path}\n"


def test_check_lists_every_fault_and_fails(command, folder):
    assert command("check")[0] == 0
    folder.change(DECK, "answer: What is transient.", "answer:")
    folder.change(DECK, "kind: predict", "kind: guess")
    code, _, err = command("check")
    assert code == 1
    assert "journal: 2 faults in the content:" in err
    assert f"{DECK}:14:" in err
    assert f"{DECK}:21:" in err


def test_retiring_a_card_keeps_comments_and_layout(command, folder):
    folder.change(DECK, "  - id: backoff-02", "  # The herd.\n  - id: backoff-02")
    folder.change(DECK, "  - id: backoff-03", "\n  # What to retry.\n  - id: backoff-03")
    before = folder.read(DECK)
    code, out, _ = command("card", "retire", "backoff-02", "--why", 'said "twice"')
    assert code == 0
    assert out == f"backoff-02 is retired; its reason is in {DECK}.\n"
    after = folder.read(DECK)
    assert "# The herd." in after
    assert "\n\n  # What to retry.\n  - id: backoff-03\n" in after
    assert after.startswith(before[: before.index("  - id: backoff-02")])
    assert 'why: "said \\"twice\\""' in after
    assert check_all(library(folder.path)) == []
    code, _, err = command("card", "retire", "backoff-02", "--why", "again")
    assert code == 1
    assert "card 'backoff-02' was retired on" in err
    for name in ("backoff-01", "backoff-03"):
        assert command("card", "retire", name, "--why", "old")[0] == 0
    # A deck without cards leaves holes in the chain, and none in the deck.
    assert [problem for problem in check_all(library(folder.path)) if problem.path == DECK] == []
    assert "retired:" in folder.read(DECK)


def test_retiring_an_unknown_card_changes_nothing(command, folder):
    before = folder.read(DECK)
    assert command("card", "retire", "nothing-01", "--why", "x")[0] == 1
    assert command("card", "retire", "backoff-01", "--why", " ")[0] == 1
    assert command("card", "retire", "backoff-01")[0] == 2
    assert folder.read(DECK) == before


def test_card_in_a_layout_that_cannot_be_edited_is_left_alone(command, folder):
    folder.write(
        "docs/quizzes/other.yml",
        "topic: other\ntitle: Other\ncards: [{id: other-01, question: q, answer: a, "
        "lesson: 'lessons/day-137-retries.md#full-jitter'}]\n",
    )
    before = folder.read("docs/quizzes/other.yml")
    code, _, err = command("card", "retire", "other-01", "--why", "x")
    assert code == 1
    assert "cannot retire 'other-01' by editing this layout; nothing was changed" in err
    assert folder.read("docs/quizzes/other.yml") == before


def test_new_week_follows_the_latest(command, folder):
    code, out, _ = command("new", "week")
    assert (code, out) == (0, "wrote docs/journal/month-06/week-01.md\n")
    text = folder.read("docs/journal/month-06/week-01.md")
    assert "days: [141, 147]" in text
    assert "# Weekly review: Month 6 · Week 1 (Days 141 to 147)" in text
    assert check_all(library(folder.path)) == []
    assert command("new", "week")[1] == "wrote docs/journal/month-06/week-02.md\n"


def test_new_lesson_is_valid_and_never_overwrites(command, folder):
    arguments = ("new", "lesson", "141", "Structured logging: why?", "--exercise", "backoff", "--deck", "backoff")
    assert command(*arguments)[:2] == (0, "wrote docs/lessons/day-141-structured-logging-why.md\n")
    assert check_all(library(folder.path)) == []
    folder.change("docs/lessons/day-141-structured-logging-why.md", "## The idea", "## Mine")
    code, _, err = command(*arguments)
    assert code == 1
    assert "exists already and is left alone" in err
    assert "## Mine" in folder.read("docs/lessons/day-141-structured-logging-why.md")
    assert "there is no deck 'gone'" in command("new", "lesson", "142", "T", "--deck", "gone")[2]
    assert "there is no exercise 'gone'" in command("new", "lesson", "142", "T", "--exercise", "gone")[2]


def test_new_decision_writes_both_ends(command, folder):
    code, out, _ = command("new", "adr", "Equal jitter after all", "--supersedes", "4")
    assert code == 0
    assert "wrote docs/adr/0005-equal-jitter-after-all.md" in out
    older = folder.read("docs/adr/0004-full-jitter.md")
    assert "status: superseded\n" in older
    assert "superseded_by: [5]\n" in older
    assert "The herd is flat." in older
    assert check_all(library(folder.path)) == []
    assert (
        "decision 5 is proposed, so there is nothing to replace" in command("new", "adr", "X", "--supersedes", "5")[2]
    )
    assert command("new", "adr", "Third")[0] == 0
    assert check_all(library(folder.path)) == []
    code, _, err = command("new", "adr", "Fourth", "--supersedes", "99")
    assert code == 1
    assert "there is no decision 99; the latest is 6" in err


def test_new_card_takes_the_next_free_id(command, folder):
    folder.change(DECK, "cards:", "# Retired ones.\nretired:\n  - {id: backoff-07, on: 2026-01-01, why: x}\ncards:")
    code, out, _ = command("new", "card", "backoff", "--question", "Why?\n\nTell.", "--answer", "Because.")
    assert code == 0
    assert "backoff-08 is the last card" in out
    assert "# Retired ones." in folder.read(DECK)
    assert check_all(library(folder.path)) == []
    code, out, _ = command("new", "card", "tracing", "--lesson", "lessons/day-137-retries.md#full-jitter")
    assert code == 0
    assert "tracing-01" in folder.read("docs/quizzes/tracing.yml")
    assert "```cards\ntopic: tracing\n```" in folder.read("docs/quizzes/tracing.md")
    assert check_all(library(folder.path)) == []


def test_new_card_says_why_it_has_no_proof(command, folder):
    assert command("new", "card", "backoff", "--why-no-proof", "definition")[0] == 0
    card = library(folder.path).decks.topics["backoff"].cards[-1]
    assert (card.proof, card.why_no_proof) == (None, "definition")
    code, _, err = command("new", "card", "backoff", "--proof", "tests/a.py::test_b", "--why-no-proof", "definition")
    assert code == 1
    assert "give one of them" in err


def test_new_card_that_breaks_a_rule_changes_nothing(command, folder):
    before = folder.read(DECK)
    code, _, err = command("new", "card", "backoff", "--answer", "word " * 61)
    assert code == 1
    assert "has 61 words" in err
    assert folder.read(DECK) == before
    assert "say which heading the card belongs to" in command("new", "card", "tracing")[2]


def test_new_exercise_in_five_places_grades_itself(command, folder, pytestconfig):
    code, out, _ = command("new", "exercise", "tracing", "--title", "Tracing a job")
    assert code == 0
    for place in ("exercises/tracing/README.md", "solutions/tracing/NOTES.md", "docs/exercises/tracing.md"):
        assert f"wrote {place}" in out
    assert check_all(library(folder.path)) == []
    shutil.copytree(pytestconfig.rootpath / "src/grading", folder.path / "src/grading")
    shutil.copy(pytestconfig.rootpath / "exercises/conftest.py", folder.path / "exercises/conftest.py")
    shutil.copy(pytestconfig.rootpath / "pyproject.toml", folder.path / "pyproject.toml")
    learner = folder.path / "exercises/tracing/tracing.py"
    outcomes = {}
    for variant in ("", "tracing.py", "alternatives/by_addition.py", "wrong/squared.py"):
        if variant:
            file, solution = (folder.path / "solutions/tracing" / name for name in (variant, "tracing.py"))
            text = splice_file(file, solution) if "wrong" in variant else file.read_text(encoding="utf-8")
            learner.write_text(text, encoding="utf-8")
        report = folder.path / "report.json"
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "exercises/tracing"],
            cwd=folder.path,
            env={**os.environ, "REDRIVE_REPORT": str(report), "REDRIVE_NO_HISTORY": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        steps = json.loads(report.read_text(encoding="utf-8"))["steps"]
        outcomes[variant] = (run.returncode, [step["outcome"] for step in steps])
        if "wrong" in variant:
            assert "doubled(3)" in run.stdout
    assert outcomes == {
        "": (1, ["not_started"]),
        "tracing.py": (0, ["passed"]),
        "alternatives/by_addition.py": (0, ["passed"]),
        "wrong/squared.py": (1, ["failed"]),
    }


@pytest.mark.parametrize("slug", ["Two Words", "simulations", "1st", "a-b"])
def test_new_exercise_refuses_a_bad_slug(command, slug):
    assert command("new", "exercise", slug)[0] == 1


def test_new_exercise_overwrites_nothing(command, folder):
    before = folder.read("exercises/backoff/README.md")
    code, _, err = command("new", "exercise", "backoff")
    assert code == 1
    assert "nothing was written" in err
    assert folder.read("exercises/backoff/README.md") == before
    assert not (folder.path / "solutions").exists()


def test_reset_of_an_unknown_exercise_names_the_known(command):
    code, _, err = command("reset", "gone")
    assert code == 1
    assert "there is no exercise 'gone'" in err
    assert "backoff" in err


def test_outside_a_journal_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REDRIVE_ROOT", str(tmp_path))
    assert cli.run(["due"]) == 1
    assert "holds no pyproject.toml" in capsys.readouterr().err


def test_misuse_is_exit_code_two(command):
    assert command("quiz", "--nonsense")[0] == 2
    assert command("new")[0] in {0, 2}


def test_reader_that_leaves_early_is_no_error(folder):
    run = subprocess.run(
        f'{sys.executable} -c "from journal.cli import main; main()" quiz | head -c 5',
        shell=True,
        env={**os.environ, "REDRIVE_ROOT": str(folder.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "3 car", "")
