"""A week's facts as Markdown: tables that read well as text, and two fences that the site draws."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from journal.review.stats import Retention
from journal.week.calibration import caveat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from journal.content.cards import Decks
    from journal.week.record import Day, WeekFacts

MAX_COMMITS = 30


def block(facts: WeekFacts, decks: Decks, path: str) -> str:
    """Return what stands between the marks of the review at `path`, relative to the root.

    The same facts give the same text. Headings are of the third level, below a section of the keeper's.
    """
    here = path.rpartition("/")[0]
    parts = [
        *_days(facts),
        *_exercises(facts, here),
        *_cards(facts, decks, here),
        *_written(facts, here),
        *_picks(facts, decks, here),
        *_calibration(facts),
    ]
    return "\n\n".join(parts) + "\n"


def gaps(days: Sequence[Day]) -> list[tuple[Day, Day]]:
    """Return each run of consecutive days without work, as its first and last day."""
    found: list[tuple[Day, Day]] = []
    open_at: Day | None = None
    before: Day | None = None
    for day in days:
        if day.hit:
            if open_at is not None and before is not None:
                found.append((open_at, before))
            open_at = None
        elif open_at is None:
            open_at = day
        before = day
    if open_at is not None and before is not None:
        found.append((open_at, before))
    return found


def _days(facts: WeekFacts) -> Iterable[str]:
    yield "### Days hit {#record-days}"
    lines = "\n".join(
        f"  {day.on}: [{day.reviews}, {day.runs}, {day.statements}, {'null' if day.commits is None else day.commits}]"
        for day in facts.days
    )
    yield (
        f"```days-hit\n# day: [cards reviewed, exercise runs, statements of confidence, commits]\ndays:\n{lines}\n```"
    )
    spans = [f"{first.on}" if first is last else f"{first.on} to {last.on}" for first, last in gaps(facts.days)]
    text = f"{facts.days_hit} of {len(facts.days)} days hit"
    yield f"{text}; nothing on {', '.join(spans)}." if spans else f"{text}, no gap."


def _exercises(facts: WeekFacts, here: str) -> Iterable[str]:
    yield "### Exercises {#record-exercises}"
    if not facts.exercises:
        yield "No exercise was run."
        return
    first = facts.dates[0]
    rows = []
    for one in facts.exercises:
        if one.passed_on is None:
            state = f"{one.core} of {one.core_steps} core steps so far"
        elif one.passed_on < first:
            state = f"had passed before, on {one.passed_on}"
        else:
            state = f"**first passed on {one.passed_on}**"
        steps = ", ".join(str(number) for number in one.new_steps) or "none"
        name = _link(one.slug, f"docs/exercises/{one.slug}.md", here)
        rows.append([name, str(one.runs), steps, state])
    yield _table(("Exercise", "Attempts", "Steps passed for the first time", "State"), rows)


def _cards(facts: WeekFacts, decks: Decks, here: str) -> Iterable[str]:
    yield "### Cards {#record-cards}"
    if facts.topics:
        rows = [
            [
                _link(decks.topics[one.topic].title, f"docs/quizzes/{one.topic}.md", here),
                str(one.reviews),
                str(one.cards),
                str(one.lapsed),
                _retention(one.retention),
            ]
            for one in facts.topics
        ]
        if len(facts.topics) > 1:
            whole = Retention(
                sum(one.retention.reviews for one in facts.topics),
                sum(one.retention.remembered for one in facts.topics),
            )
            numbers = [sum(getattr(one, name) for one in facts.topics) for name in ("reviews", "cards", "lapsed")]
            rows.append(["all", *(str(number) for number in numbers), _retention(whole)])
        yield _table(("Topic", "Reviews", "Cards", "Lapsed", "Retention of learned cards"), rows)
    else:
        yield "No card was reviewed."
    if facts.leeches:
        yield "\n".join(
            f"- **Rewrite me:** {_card(state.card, decks, here)}, {state.lapses} lapses: the card is at fault, not "
            "the memory."
            for state in facts.leeches
        )


def _retention(held: Retention) -> str:
    return "none was due" if held.share is None else f"{held.share:.0%} ({held.remembered} of {held.reviews})"


def _written(facts: WeekFacts, here: str) -> Iterable[str]:
    yield "### Commits and decisions {#record-commits}"
    if facts.commits is None:
        yield "Without git nothing is known of commits and decisions."
        return
    if facts.commits:
        lines = [f"- {commit.on} `{commit.sha[:7]}` {_plain(commit.subject)}" for commit in facts.commits[:MAX_COMMITS]]
        more = len(facts.commits) - len(lines)
        if more:
            lines.append(f"- and {more} more")
        number = len(facts.commits)
        yield f"{number} {'commit' if number == 1 else 'commits'}:"
        yield "\n".join(lines)
    else:
        yield "No commit."
    if facts.decisions:
        yield "\n".join(
            f"- {'New' if one.added else 'Changed'}: "
            f"{_link(f'decision {one.number}', one.path, here)}, {_plain(one.title)}"
            for one in facts.decisions
        )
    else:
        yield "No decision was added or changed."


def _picks(facts: WeekFacts, decks: Decks, here: str) -> Iterable[str]:
    yield "### Ask again {#record-picks}"
    if facts.picks:
        yield "What the schedule says is weakest among earlier topics at the end of the week, one card a topic:"
        rows = []
        for pick in facts.picks:
            why = f"recall {pick.recall:.0%}"
            if pick.pulled_on is not None:
                why = f"its exercise step failed on {pick.pulled_on}"
            rows.append((_card(pick.card, decks, here), decks.topics[pick.topic].title, why))
        yield _table(("Card", "Topic", "Why"), rows)
    else:
        yield "No card of an earlier topic has been reviewed, so the schedule knows of none to ask again."
    if facts.never_asked:
        yield f"Earlier topics never asked so far: {', '.join(facts.never_asked)}."


def _calibration(facts: WeekFacts) -> Iterable[str]:
    yield "### Confidence against outcome {#record-calibration}"
    if not facts.said:
        yield "No confidence was stated; `journal confidence TOPIC 1-5` does, before a run or a review."
        return
    lines = "\n".join(
        f"  - {{topic: {one.topic}, stated: {one.on}, said: {one.value}, right: {one.right}, of: {one.outcomes}}}"
        for one in facts.said
    )
    yield f"```calibration\nsaid:\n{lines}\n```"
    yield caveat(sum(one.outcomes for one in facts.said))


def _card(name: str, decks: Decks, here: str) -> str:
    return _link(f"`{name}`", f"docs/quizzes/{decks.cards[name].topic}.md", here)


def _link(text: str, path: str, here: str) -> str:
    return f"[{text}]({posixpath.relpath(path, here)})"


def _plain(text: str) -> str:
    """Keep a stranger's line from being read as Markdown or HTML."""
    for character in "\\`*_[]<>|":
        text = text.replace(character, "\\" + character if character != "<" else "&lt;")
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
