"""Commands for keepers: check the content, fill a week, retire cards, list proofs, merge histories, export."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journal.check import check_all
from journal.cli.wording import count, warn
from journal.content.cards.editing import replace_file, retire
from journal.content.library import library
from journal.content.problems import ContentError
from journal.content.test_names import missing_test
from journal.proofs.collection import collected_tests
from journal.proofs.mark import MISSING, Mark, marks
from journal.proofs.mutations import read_mutations
from journal.proofs.named_proofs import Named, named_proofs
from journal.proofs.record import FAILED, SKIPPED
from journal.review.day import day_of, now_utc
from journal.review.history import default_history
from journal.week.block import block
from journal.week.markers import MarkerError, replaced
from journal.week.record import gather

if TYPE_CHECKING:
    from journal.content.library import Library
    from journal.content.weeks import Week
    from journal.week.record import WeekFacts

NOT_COLLECTED = "not collected"
_REFUSED = (FAILED, SKIPPED, MISSING, NOT_COLLECTED)


@click.command()
def check() -> None:
    """Check cards, decisions, weekly reviews, lessons and proofs."""
    problems = check_all(library())
    if problems:
        raise ContentError(problems)
    click.echo("No problems in cards, decisions, weekly reviews, lessons and proofs.")


@click.group()
def week() -> None:
    """Work on a weekly review."""


@week.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def fill(file: Path | None) -> None:
    """Fill in the week's record between the marks of FILE, from the history and git.

    Without FILE, the command fills in the latest week. It changes nothing outside of the marks.
    """
    content = library()
    review = _week(content, file)
    path = content.root / review.path
    with path.open(encoding="utf-8", newline="") as source:
        text = source.read()
    try:
        replaced(text, "")
    except MarkerError as error:
        raise click.ClickException(f"{review.path}: {error}") from None
    if review.dates is None:
        raise click.ClickException(
            f"{review.path}: its front matter does not say which days it covers; add `dates: [first, last]`, as "
            "`dates: [2026-11-23, 2026-11-29]`"
        )
    loaded = default_history(content.root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    facts = gather(content, review, loaded.events)
    filled = replaced(text, block(facts, content.decks, review.path))
    if filled == text:
        click.echo(f"{review.path} is up to date.")
    else:
        replace_file(path, filled)
        click.echo(f"filled {review.path}: {review.dates[0]} to {review.dates[1]}")
    for line in _differences(facts, review):
        click.echo(line)


def _week(content: Library, file: Path | None) -> Week:
    root, weeks = content.root, content.weeks
    if file is None:
        if not weeks:
            raise click.ClickException("there is no weekly review; make one: journal new week")
        return weeks[-1]
    wanted = file.resolve()
    for one in weeks:
        if (root / one.path).resolve() == wanted:
            return one
    faults = [problem for problem in content.week_problems if (root / problem.path).resolve() == wanted]
    if faults:
        raise ContentError(faults)
    raise click.ClickException(f"{file} is no weekly review; they lie at docs/journal/month-MM/week-NN.md")


def _differences(facts: WeekFacts, review: Week) -> list[str]:
    """Say where the figures in the front matter and in the record differ; both may be right."""
    counted = {"days_hit": facts.days_hit, "exercises": facts.exercises_passed}
    if facts.commits is not None:
        counted["commits"] = len(facts.commits)
    return [
        f"  {name}: the record says {number}, the front matter {getattr(review.metrics, name)}"
        for name, number in counted.items()
        if number != getattr(review.metrics, name)
    ]


@click.group()
def card() -> None:
    """Maintain single cards."""


@card.command(name="retire")
@click.argument("card_id", metavar="ID")
@click.option("--why", required=True, help="The reason; the deck keeps it beside the id.")
def retire_card(card_id: str, why: str) -> None:
    """Retire the card ID: it is no longer asked, and no other card may use its id.

    The deck keeps its comments and layout. The history keeps the card's reviews; they count for no other card.
    """
    content = library()
    decks = content.decks
    if card_id not in decks.cards:
        gone = next((g for deck in decks.all for g in deck.retired if g.id == card_id), None)
        if gone:
            raise click.ClickException(f"card {card_id!r} was retired on {gone.on}: {gone.why}")
        raise click.ClickException(f"there is no card {card_id!r}; `journal quiz --all` shows them all")
    if not why.strip() or "\n" in why:
        raise click.ClickException("--why needs a reason of one line")
    found = decks.cards[card_id]
    retire(content.root, found, day_of(now_utc()), why.strip())
    click.echo(f"{card_id} is retired; its reason is in {found.path}.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a proof failed, was skipped or isn't collected.")
def proofs(*, as_json: bool, strict: bool) -> int:
    """List every claim and card that names a test, with the test's last result."""
    root = library().root
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


@click.group()
def history() -> None:
    """Merge the history with another machine's, export it, or show where it is."""


@history.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def merge(file: Path) -> None:
    """Add the events of FILE that the history doesn't have yet.

    FILE is another machine's history, or one that the page exported. The command doesn't change it. If you merge
    the same file twice, the second time adds nothing. Lines that aren't events are reported and left out.
    """
    done = default_history(library().root).merge(file)
    click.echo(f"{count(done.added, 'event')} added, {done.already_there} already here.")
    warn(done.problems, "in the two files; nothing was deleted")


@history.command(name="export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export_events(file: Path) -> None:
    """Write all events to FILE, oldest first. An existing FILE is never overwritten."""
    loaded = default_history(library().root).load()
    warn(loaded.problems, "in the history; these lines are not exported")
    try:
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{event.line}\n" for event in loaded.events)
            out.flush()
            os.fsync(out.fileno())
    except FileExistsError:
        raise click.ClickException(f"{file} exists already and was not changed; name another file") from None
    click.echo(f"{count(len(loaded.events), 'event')} written to {file}.")


@history.command()
def path() -> None:
    """Show where the history is."""
    file = default_history(library().root).path
    click.echo(str(file) if file else "REDRIVE_NO_HISTORY is set: nothing is read or recorded")


@click.group()
def export() -> None:
    """Export the cards."""


@export.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def anki(file: Path) -> None:
    """Write all cards to FILE (.apkg) for Anki.

    After a change, export and import again: cards keep their identity, so Anki updates them and keeps your schedule.
    """
    if file.suffix != ".apkg":
        raise click.ClickException(f"Anki opens only files that end in .apkg; name it {file.with_suffix('.apkg')}")
    if not file.parent.is_dir():
        raise click.ClickException(f"there is no folder {file.parent}; make it first")
    content = library()
    if content.deck_problems:
        raise ContentError(content.deck_problems)
    from journal.review.anki import export_decks  # noqa: PLC0415  (half a second that only this command needs)

    click.echo(f"{count(export_decks(content.decks, content.settings, file), 'card')} written to {file}.")
