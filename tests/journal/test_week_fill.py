"""`journal week fill`: facts from the history and git between the marks, and not a byte changed outside them."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, date, datetime, timedelta

import pytest

from journal import cli
from journal.check import check_all
from journal.content.library import library
from journal.review.history import History, new_event
from journal.review.schedule import replay
from journal.site.fences import calibration, days_hit
from journal.site.fences.fence import FenceError, settings
from journal.site.fences.place import Place
from journal.week import record as week_module
from journal.week.commits import commits_between
from journal.week.markers import BEGIN, END, MarkerError, replaced
from journal.week.record import gather

PLACE = Place(root=None, page="index.md")
FIRST = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATES = (date(2026, 11, 23), date(2026, 11, 29))
FILE = "docs/journal/month-06/week-01.md"
SEED = "docs/journal/month-05/week-04.md"
KEEPERS = f"""\
---
title: Month 6 · Week 1
description: Days 141 to 147.
month: 6
week: 1
days: [141, 147]
dates: [2026-11-23, 2026-11-29]
hours: 9
days_hit: 5
exercises: 1
commits: 3
---

# Month 6 · Week 1

What I wrote\tmyself, with trailing blanks:  \u2028 and odd ends.

{BEGIN}
old
{END}

## After  it

No line end at the end"""


@pytest.fixture
def command(folder, recording, monkeypatch, capsys):
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))
    folder.write(FILE, KEEPERS)

    def run(*arguments):
        code = cli.run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def history(recording):
    return History(recording)


def reviewed(card, rating, at):
    return new_event("review", {"card": card, "rating": rating, "where": "page"}, at, UTC)


def ran(at, **steps):
    named = {name.removeprefix("step_"): outcome for name, outcome in steps.items()}
    return new_event("run", {"slug": "backoff", "steps": named, "code_sha": "a" * 40}, at, UTC)


def stated(value, at, topic="backoff"):
    return new_event("confidence", {"topic": topic, "value": value}, at, UTC)


def after(days, hours=0.0):
    return FIRST + timedelta(days=days, hours=hours)


def a_week():
    """Monday, Tuesday and Saturday have work in them; the week before left a card and a step behind."""
    return [
        reviewed("backoff-03", 4, after(-20)),
        ran(after(-5), step_1="passed", step_2="failed"),
        stated(4, after(0)),
        reviewed("backoff-01", 1, after(0, 1)),
        reviewed("backoff-01", 3, after(0, 2)),
        reviewed("backoff-03", 1, after(0, 3)),
        ran(after(1), step_1="passed", step_2="failed"),
        ran(after(1, 2), step_1="passed", step_2="passed"),
        # Half past three in the night still belongs to Saturday.
        reviewed("backoff-02", 3, after(5, 15.5)),
    ]


def git(folder, *arguments, at=None):
    who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
    dates = {} if at is None else {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder.path), **dates}
    subprocess.run(["git", "-C", str(folder.path), *who, *arguments], check=True, capture_output=True, env=environment)


def committed(folder):
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "before", at="2026-11-10T12:00:00+00:00")
    folder.change("docs/adr/0004-full-jitter.md", "# Full jitter", "# Full jitter, always")
    git(folder, "commit", "-qam", "docs: *one* | thing", at="2026-11-24T10:00:00+01:00")
    folder.write("docs/adr/0005-more.md", "---\nstatus: proposed\ndate: 2026-11-25\n---\n\n# More\n\n## Confirmation\n")
    git(folder, "add", "-A")
    # 02:00 on Monday after: still the Sunday of the week, by the author's clock.
    git(folder, "commit", "-qm", "adr: more", at="2026-11-30T02:00:00-05:00")
    folder.write("after.txt", "late")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "too late", at="2026-11-30T09:00:00-05:00")


def filled(folder):
    text = (folder.path / FILE).read_bytes().decode("utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


def test_week_is_filled_from_history_and_git(command, folder, history):
    committed(folder)
    for event in a_week():
        history.append(event)
    code, out, _ = command("week", "fill")
    assert code == 0
    assert out.startswith(f"filled {FILE}: 2026-11-23 to 2026-11-29\n")
    assert "days_hit: the record says 3, the front matter 5" in out
    text = filled(folder)
    assert "2026-11-23: [3, 0, 1, 0]" in text
    assert "2026-11-24: [0, 2, 0, 1]" in text
    assert "2026-11-28: [1, 0, 0, 0]" in text
    assert "3 of 7 days hit; nothing on 2026-11-25 to 2026-11-27, 2026-11-29." in text
    assert "| [backoff](../../exercises/backoff.md) | 2 | 2 | **first passed on 2026-11-24** |" in text
    assert "| [Retries and backoff](../../quizzes/backoff.md) | 4 | 3 | 1 | 0% (0 of 1) |" in text
    assert "2 commits:" in text
    assert r"docs: \*one\* \| thing" in text
    assert "too late" not in text
    assert "- Changed: [decision 4](../../adr/0004-full-jitter.md), Full jitter, always" in text
    assert "- New: [decision 5](../../adr/0005-more.md), More" in text
    assert "{topic: backoff, stated: 2026-11-23, said: 4, right: 2, of: 5}" in text
    assert "5 outcomes in all: too few to tell skill from luck" in text


def test_what_is_filled_in_is_drawn_by_the_fences(command, folder, history):
    for event in a_week():
        history.append(event)
    command("week", "fill")
    bodies = dict(re.findall(r"```([\w-]+)\n(.*?)```", filled(folder), re.DOTALL))
    days = days_hit.render(settings(bodies["days-hit"], "days"), PLACE)
    assert (days.count("rd-chart__on"), days.count("rd-chart__off")) == (3, 4)
    drawn = calibration.render(settings(bodies["calibration"], "said"), PLACE)
    assert "backoff, said 4 of 5, 2 of 5 right" in drawn


def test_nothing_outside_the_marks_changes_and_filling_twice_changes_nothing(command, folder, history):
    """The keeper's words survive byte for byte.

    Did: filled a review with tabs, trailing blanks, a U+2028 and no last line end, with \\n and with \\r\\n, twice.
    Saw: every byte outside the marks as before; the second run says that the file is up to date.
    Otherwise: a line end, a blank or a character would differ.
    """
    for event in a_week():
        history.append(event)
    for ends in ("\n", "\r\n"):
        before = KEEPERS.replace("\n", ends).encode("utf-8")
        (folder.path / FILE).write_bytes(before)
        assert command("week", "fill", str(folder.path / FILE))[0] == 0
        once = (folder.path / FILE).read_bytes()
        for mark, part in ((BEGIN, 0), (END, 1)):
            assert once.split(mark.encode())[part] == before.split(mark.encode())[part]
        assert (b"\r\n" in once) == (ends == "\r\n")
        assert once.count(b"\n") == once.count(ends.encode())
        code, out, _ = command("week", "fill")
        assert (code, out.splitlines()[0]) == (0, f"{FILE} is up to date.")
        assert (folder.path / FILE).read_bytes() == once


def test_empty_week_is_drawn_empty(command, folder):
    code, _, _ = command("week", "fill")
    assert code == 0
    text = filled(folder)
    assert text.count(": [0, 0, 0, null]") == 7
    assert "0 of 7 days hit; nothing on 2026-11-23 to 2026-11-29." in text
    for sentence in (
        "No exercise was run.",
        "No card was reviewed.",
        "Without git nothing is known of commits and decisions.",
        "No confidence was stated",
        "the schedule knows of none to ask again",
    ):
        assert sentence in text
    assert check_all(library(folder.path)) == []


def test_week_whose_figures_are_its_keepers_is_refused_and_left_alone(command, folder):
    before = folder.read(SEED)
    code, _, err = command("week", "fill", str(folder.path / SEED))
    assert code == 1
    assert f"{SEED}: it has no marks, so every figure in it is its keeper's and nothing is filled in" in err
    assert folder.read(SEED) == before


def test_real_month_5_week_4_has_no_marks(command, monkeypatch):
    from tests.course.conftest import ROOT

    monkeypatch.setenv("REDRIVE_ROOT", str(ROOT))
    before = (ROOT / SEED).read_bytes()
    code, _, err = command("week", "fill", str(ROOT / SEED))
    assert (code, "it has no marks" in err) == (1, True)
    assert (ROOT / SEED).read_bytes() == before


def test_marks_without_dates_are_refused(command, folder):
    folder.change(FILE, "dates: [2026-11-23, 2026-11-29]\n", "")
    code, _, err = command("week", "fill")
    assert code == 1
    assert "add `dates: [first, last]`" in err


def test_file_that_is_no_weekly_review_is_refused(command, folder):
    code, _, err = command("week", "fill", str(folder.path / "docs/lessons/day-137-retries.md"))
    assert (code, "is no weekly review" in err) == (1, True)


@pytest.mark.parametrize(
    "text", [f"{END}\n{BEGIN}\n", f"{BEGIN}\n", f"{END}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "none\n"]
)
def test_anything_but_one_pair_of_marks_is_refused(text):
    with pytest.raises(MarkerError):
        replaced(text, "new")


def test_review_that_new_week_writes_can_be_filled(command, folder):
    (folder.path / FILE).unlink()
    assert command("new", "week")[0] == 0
    assert command("week", "fill")[0] == 0
    assert check_all(library(folder.path)) == []
    assert "days hit" in filled(folder)


def test_leech_asks_to_be_rewritten(command, folder, history):
    history.append(reviewed("backoff-01", 4, after(-900)))
    for number in range(8):
        history.append(reviewed("backoff-01", 1, after(-800 + 100 * number)))
        history.append(reviewed("backoff-01", 3, after(-799 + 100 * number)))
    command("week", "fill")
    assert "- **Rewrite me:** [`backoff-01`](../../quizzes/backoff.md), 8 lapses" in filled(folder)


def test_stats_compare_what_was_said_with_what_happened(command, folder, history):
    assert "Confidence against outcome" not in command("stats")[1]
    for event in [*a_week(), stated(2, after(1, 3)), stated(5, after(0), topic="tls")]:
        history.append(event)
    out = command("stats")[1]
    assert "backoff  said 3 of 5 on average, 2 times  then 2 of 5 outcomes right, 40%" in out
    assert "tls      said 5 of 5                      nothing asked since" in out
    assert "5 outcomes in all: too few to tell skill from luck." in out


def facts_of(folder, events):
    folder.write(FILE, KEEPERS)
    return gather(library(folder.path), library(folder.path).weeks[-1], events)


def other_deck(folder, topic):
    folder.write(
        f"docs/quizzes/{topic}.yml",
        f"topic: {topic}\ntitle: {topic}\ncards:\n"
        f"  - {{id: {topic}-01, question: q, answer: a, lesson: 'lessons/day-137-retries.md#full-jitter'}}\n"
        f"  - {{id: {topic}-02, question: q, answer: a, lesson: 'lessons/day-137-retries.md#full-jitter'}}\n",
    )


def test_picks_are_the_weakest_card_of_the_weakest_earlier_topics(folder):
    for topic in ("atopic", "fresh", "late", "unasked"):
        other_deck(folder, topic)
    folder.write(
        "docs/lessons/day-142-late.md", "---\ntitle: L\ndescription: D\nday: 142\ndeck: late\n---\n\n# L\n\n## X\n"
    )
    events = [
        reviewed("atopic-01", 4, after(-60)),
        reviewed("atopic-02", 4, after(0)),
        reviewed("fresh-01", 4, after(3)),
        reviewed("late-01", 1, after(-300)),
        reviewed("backoff-01", 4, after(-90)),
        reviewed("backoff-02", 4, after(-2)),
    ]
    facts = facts_of(folder, events)
    assert [pick.card for pick in facts.picks] == ["backoff-01", "atopic-01", "fresh-01"]
    assert facts.picks[0].recall < facts.picks[1].recall < facts.picks[2].recall
    assert facts.never_asked == ("unasked",)


def test_card_whose_exercise_step_failed_is_asked_first(folder):
    other_deck(folder, "atopic")
    events = [
        reviewed("atopic-01", 4, after(-300)),
        reviewed("backoff-01", 4, after(0)),
        reviewed("backoff-03", 4, after(-9)),
        ran(after(2), step_2="failed"),
    ]
    first = facts_of(folder, events).picks[0]
    assert (first.card, first.pulled_on) == ("backoff-01", date(2026, 11, 25))


def test_number_of_picks_is_bounded(folder, monkeypatch):
    monkeypatch.setattr(week_module, "PICKS", 1)
    other_deck(folder, "atopic")
    events = [reviewed("atopic-01", 4, after(-3)), reviewed("backoff-01", 4, after(-2))]
    assert len(facts_of(folder, events).picks) == 1


def test_what_happens_after_the_week_does_not_change_it(folder):
    events = a_week()
    later = [reviewed("backoff-02", 1, after(8)), ran(after(9), step_1="failed"), stated(1, after(7))]
    assert facts_of(folder, events) == facts_of(folder, [*events, *later])


def test_facts_of_several_weeks_add_up_to_the_history(folder):
    """Each day belongs to exactly one week.

    Did: spread 60 reviews over three weeks, each with its own review file, and gathered all three.
    Saw: the counts of days and reviews add up to those of the whole history.
    Otherwise: a day at the edge of a week would be counted twice or not at all.
    """
    weeks = []
    for number, monday in enumerate((DATES[0], DATES[0] + timedelta(7), DATES[0] + timedelta(14)), 1):
        text = KEEPERS.replace("week: 1", f"week: {number}").replace("Week 1", f"Week {number}")
        text = text.replace("[141, 147]", f"[{134 + 7 * number}, {140 + 7 * number}]")
        text = text.replace("[2026-11-23, 2026-11-29]", f"[{monday}, {monday + timedelta(6)}]")
        folder.write(f"docs/journal/month-06/week-0{number}.md", text)
        weeks.append(number)
    events = [reviewed(f"backoff-0{1 + n % 3}", 1 + n % 4, FIRST + timedelta(hours=8.4 * n)) for n in range(60)]
    content = library(folder.path)
    assert content.week_problems == []
    facts = [gather(content, week, events) for week in content.weeks if week.month == 6]
    assert [len(one.days) for one in facts] == [7, 7, 7]
    assert sum(day.reviews for one in facts for day in one.days) == 60
    assert sum(one.days_hit for one in facts) == len({event.local_date for event in events})
    lapses = sum(state.lapses for state in replay(events, content.decks).values())
    assert sum(topic.lapsed for one in facts for topic in one.topics) == lapses > 0


def test_without_git_commits_are_not_known(tmp_path):
    assert commits_between(tmp_path, *DATES) is None


def test_days_are_drawn_with_their_gaps_and_a_table():
    html = days_hit.render({"days": {date(2026, 11, 23): [3, 0, 1, 2], date(2026, 11, 24): [0, 0, 0, 1]}}, PLACE)
    assert html.count("rd-chart__on") == 1
    assert html.count("rd-chart__off") == 1
    assert "None on 2026-11-24." in html
    assert '<th scope="row">Tue 2026-11-24</th><td>none</td>' in html


@pytest.mark.parametrize(
    "days", [None, {}, [1], {"monday": [1, 2, 3, 4]}, {date(2026, 1, 1): [1]}, {date(2026, 1, 1): [1, 2, -3, 4]}]
)
def test_days_that_are_none_are_refused(days):
    with pytest.raises(FenceError):
        days_hit.render({"days": days}, PLACE)


def said(**changed):
    return {"topic": "backoff", "stated": date(2026, 11, 24), "said": 4, "right": 3, "of": 6, **changed}


def test_calibration_is_drawn_by_number_with_a_table():
    html = calibration.render({"said": [said(), said(topic="<b>", right=0, of=0), said(right=3)]}, PLACE)
    assert html.count("<circle") == 2
    assert "said 4 of 5, 3 of 6 right" in html
    assert "nothing asked yet" in html
    assert "<td>&lt;b&gt;</td>" in html
    places = {part.split('"')[0] for part in html.split('cx="')[1:]}
    assert len(places) == 2, "two points in one place cover each other"


def test_calibration_without_an_outcome_is_a_table_alone():
    assert "<svg" not in calibration.render({"said": [said(right=0, of=0)]}, PLACE)


@pytest.mark.parametrize("one", [None, 3, said(said=6), said(right=7), said(of="six"), said(topic="")])
def test_statement_that_is_none_is_refused(one):
    with pytest.raises(FenceError):
        calibration.render({"said": [one] if one is not None else None}, PLACE)
