"""`journal new`: write skeletons that are valid at once; never overwrite a file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NoReturn

import click

from grading.steps import step_files
from journal.content.cards.editing import add_card, next_id, replace_file
from journal.content.cards.model import REASONS
from journal.content.cards.reading import ID
from journal.content.library import library
from journal.content.pages import slugify
from journal.content.weeks import next_place
from journal.review.day import day_of, now_utc
from journal.skeletons import AlreadyThereError, filled, words, write_new
from journal.skeletons.decision import NoFrontMatterError, superseded
from journal.skeletons.new_card import NewCard
from journal.week.markers import BEGIN, END

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.content.library import Library

CONFTEST = "exercises/conftest.py"


@click.group()
def new() -> None:
    """Write a skeleton: a week, a lesson, an exercise, a decision, a card."""


@new.command()
def week() -> None:
    """Write the next weekly review. Its month, week and days follow from the latest one."""
    content = library()
    place = next_place(content.weeks, day_of(now_utc()), content.settings)
    name = f"Month {place.month} · Week {place.week}"
    rows = "\n".join(f"| {day} | | |" for day in range(place.first_day, place.last_day + 1))
    values = {
        "name": name, "month": place.month, "week": place.week, "mm": f"{place.month:02}", "ww": f"{place.week:02}",
        "first": place.first_day, "last": place.last_day, "begins": place.dates[0], "ends": place.dates[1],
        "rows": rows, "begin": BEGIN, "end": END,
    }  # fmt: skip
    _write(content.root, filled("week", values))


@new.command()
@click.argument("day", type=click.IntRange(1, 9999))
@click.argument("title")
@click.option("--exercise", metavar="SLUG", help="The exercise that goes with it.")
@click.option("--deck", metavar="TOPIC", help="The deck that goes with it.")
def lesson(day: int, title: str, exercise: str | None, deck: str | None) -> None:
    """Write a lesson for DAY with this TITLE."""
    root = library().root
    _need_words(title)
    if exercise and not step_files(root / "exercises" / exercise):
        _refuse(f"there is no exercise {exercise!r}; make it first: journal new exercise {exercise}")
    if deck and not (root / "docs" / "quizzes" / f"{deck}.yml").is_file():
        _refuse(f"there is no deck {deck!r}; make it first: journal new card {deck}")
    name = f"Day {day}: {title}"
    values = {
        "quoted": _quoted(name),
        "described": _quoted(f"{title}: what it is for, and what goes wrong without it."),
        "day": f"{day:03}",
        "number": day,
        "words": words(title),
        "name": name,
        "links": (f"exercise: {exercise}\n" if exercise else "") + (f"deck: {deck}\n" if deck else ""),
        "cards": f"## Cards {{#cards}}\n\n```cards\ntopic: {deck}\n```\n\n" if deck else "",
    }
    _write(root, filled("lesson", values))


@new.command()
@click.argument("slug")
@click.option("--title", help="Its name on pages.  [default: the slug with a capital]")
def exercise(slug: str, title: str | None) -> None:
    """Write exercise SLUG, with its solution, page, deck and notebook.

    You get a small exercise that works. Replace it step by step.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", slug) or slug in {"simulations", "examples"}:
        _refuse(f"the slug is {slug!r}; it is one lower-case word, and neither simulations nor examples")
    _need_words(title or slug)
    content = library()
    name = title or slug.capitalize()
    values = {
        "slug": slug,
        "title": name,
        "heading": slugify(name),
        "quoted": _quoted(name),
        "described": _quoted(f"An exercise that grades itself: {name}."),
        "cardsabout": _quoted(f"Cards on {name}."),
        "order": max((course.order or 0 for course in content.courses.values()), default=0) + 1,
    }
    files = filled("exercise", values)
    if (content.root / CONFTEST).exists():
        del files[CONFTEST]  # all exercises share it
    _write(content.root, files)
    click.echo(
        f"You can grade it already: .venv/bin/pytest exercises/{slug} fails on the stub, and the solution passes. Now "
        f"write the steps (README, stub, tests, solution), at least 7 more wrong solutions, the cards, and a lesson "
        f"with `exercise: {slug}`. `journal course {slug}` says what is still missing."
    )


@new.command()
@click.argument("title")
@click.option("--supersedes", type=click.IntRange(1), metavar="N", help="The decision it replaces.")
def adr(title: str, supersedes: int | None) -> None:
    """Write a proposal for the next decision, with this TITLE.

    With --supersedes N, decision N gets the status superseded, and the two decisions link to each other.
    """
    content = library()
    root, adrs = content.root, content.decisions
    _need_words(title)
    older = next((one for one in adrs if one.number == supersedes), None)
    if supersedes is not None and older is None:
        _refuse(f"there is no decision {supersedes}; the latest is {adrs[-1].number if adrs else 'none yet'}")
    if older is not None and older.status in {"proposed", "rejected"}:
        _refuse(f"decision {supersedes} is {older.status}, so there is nothing to replace; edit {older.path} instead")
    number = max((one.number for one in adrs), default=0) + 1
    changed = None
    if older is not None:
        with (root / older.path).open(encoding="utf-8", newline="") as file:
            text = file.read()
        try:
            changed = superseded(text, number)
        except NoFrontMatterError as error:
            _refuse(f"{older.path}: {error}")
    name = f"ADR {number:04}: {title}"
    values = {
        "number": f"{number:04}",
        "words": words(title),
        "name": name,
        "quoted": _quoted(name),
        "described": _quoted(f"Why: {title}."),
        "on": day_of(now_utc()),
        "supersedes": [] if supersedes is None else [supersedes],
    }
    _write(root, filled("adr", values))
    if older is not None and changed is not None:
        replace_file(root / older.path, changed)
        click.echo(f"changed {older.path}: superseded by {number}")


@new.command()
@click.argument("topic")
@click.option("--question", help="Markdown.")
@click.option("--answer", help="Markdown, at most 40 words.")
@click.option("--lesson", metavar="PAGE#HEADING", help="Below docs/; the topic's lesson by default.")
@click.option("--kind", type=click.Choice(["recall", "predict"]), default="recall", show_default=True)
@click.option("--step", metavar="SLUG/N", help="The exercise step whose failing makes it due.")
@click.option("--adr", type=click.IntRange(1), metavar="N")
@click.option("--proof", metavar="PATH::TEST", help="The test that shows its fact.")
@click.option("--why-no-proof", type=click.Choice(REASONS), help="Why no test can show it.")
def card(
    topic: str,
    question: str | None,
    answer: str | None,
    lesson: str | None,
    kind: str,
    step: str | None,
    adr: int | None,
    proof: str | None,
    why_no_proof: str | None,
) -> None:
    """Add a card with the next free id to the deck TOPIC, which is made where there is none."""
    content = library()
    root = content.root
    if not ID.fullmatch(topic):
        _refuse(f"the topic is {topic!r}; it is lower-case words joined by '-', the deck's file name")
    if proof and why_no_proof:
        _refuse("--proof names a test and --why-no-proof says why there is none; give one of them")
    deck = content.decks.topics.get(topic)
    path = f"docs/quizzes/{topic}.yml"
    written = NewCard(
        id=next_id(deck) if deck else f"{topic}-01",
        kind=kind,
        question=question or "Write the question here: one fact, or what a piece of code will do.",
        answer=answer or "Write the answer here, in at most 40 words.",
        lesson=lesson or _lesson_of(content, topic),
        step=step,
        adr=adr,
        proof=proof,
        why_no_proof=why_no_proof,
    )
    if deck is None:
        title = topic.replace("-", " ").capitalize()
        values = {"slug": topic, "title": title, "quoted": title, "cardsabout": f"Cards on {title}."}
        files = filled("deck", values)
        _write(root, {**files, path: add_card(files[path], written.as_item(), path, topic)})
    else:
        with (root / path).open(encoding="utf-8", newline="") as file:
            text = file.read()
        replace_file(root / path, add_card(text, written.as_item(), path, topic))
    click.echo(f"{written.id} is the last card of {path}. `journal check` says whether what it names exists.")


def _lesson_of(content: Library, topic: str) -> str:
    for found in (*content.lessons, *content.recall):
        if topic in found.decks:
            page = content.page(found.path)
            headings = page.headings if page else ()
            heading = next((h for h in headings if h.level == 2), headings[0] if headings else None)
            if heading:
                return f"{found.path.removeprefix('docs/')}#{heading.anchor}"
    raise click.ClickException(
        f"no lesson has `deck: {topic}`, so say which heading the card belongs to: --lesson lessons/<page>.md#<heading>"
    )


def _quoted(text: str) -> str:
    """Return `text` as a YAML string, whatever characters it holds."""
    return json.dumps(text, ensure_ascii=False)


def _need_words(title: str) -> None:
    if not words(title) or "\n" in title:
        _refuse(f"the title is {title!r}; it needs a word of letters or digits, on one line")


def _write(root: Path, files: Mapping[str, str]) -> None:
    try:
        write_new(root, files)
    except AlreadyThereError as error:
        _refuse(str(error))
    for name in files:
        click.echo(f"wrote {name}")


def _refuse(why: str) -> NoReturn:
    raise click.ClickException(why)
