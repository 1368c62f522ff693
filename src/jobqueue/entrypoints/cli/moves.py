"""The moves of a job: as a table, as JSON, and in the two forms that the documentation shows."""

import textwrap

import click

from jobqueue.domain.job import JobState
from jobqueue.domain.moves import MOVES
from jobqueue.entrypoints.cli.output import as_json, json_option, table

NEW, REMOVED = "new", "removed"
NAMES = ("move", "from", "to", "who", "when", "script")


def move_rows() -> list[list[str]]:
    """Return a row of text for each move."""
    return [
        [move.name, move.source or NEW, move.target or REMOVED, move.who, move.when, f"{move.script}.lua"]
        for move in MOVES
    ]


def moves_table() -> str:
    """Return the moves as a Markdown table, for the lifecycle page."""
    lines = ["| move | from → to | who | when | script |", "| --- | --- | --- | --- | --- |"]
    for name, source, target, who, when, script in move_rows():
        lines.append(f"| **{name}** | {source} → {target} | {who} | {when} | `{script}` |")
    return "\n".join(lines)


def moves_drawing() -> str:
    """Return the moves as a Graphviz graph, for the lifecycle page; moves between the same states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for name, source, target, *_ in move_rows():
        names = arrows.setdefault((source, target), [])
        if name not in names:
            names.append(name)
    words = "; ".join(f"{', '.join(names)}: {source} to {target}" for (source, target), names in arrows.items())
    return "\n".join(
        [
            "// Printed by `jobqueue moves --dot`; a test compares.",
            "// title: The five states of a job and the moves between them",
            *textwrap.wrap(f"words: {words}.", 116, initial_indent="// ", subsequent_indent="// "),
            "digraph lifecycle {",
            "  rankdir=LR",
            f"  {NEW} [shape=plaintext]; {REMOVED} [shape=plaintext]",
            *(f"  {state}{' [class=good]' if state is JobState.DONE else ''}" for state in JobState),
            *(f'  {source} -> {target} [label="{", ".join(names)}"]' for (source, target), names in arrows.items()),
            "}",
        ]
    )


@click.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print a Markdown table, for the lifecycle page.")
@click.option("--dot", is_flag=True, help="Print a Graphviz graph, for the lifecycle page.")
def moves(json_output: bool, markdown: bool, dot: bool) -> None:
    """Show every move of a job between its states: who makes it, when, and which script carries it out."""
    if markdown:
        click.echo(moves_table())
    elif dot:
        click.echo(moves_drawing())
    elif json_output:
        as_json([dict(zip(NAMES, row, strict=True)) for row in move_rows()])
    else:
        table(NAMES, move_rows())
