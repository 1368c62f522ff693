"""The `journal` command: reviews, what to do next, statistics, the keeper's skeletons, the site.

A subcommand is a line in `COMMANDS` that names an attribute of a module. The module is imported when the command is
called, so that the terminal quiz doesn't wait for the site's packages. A line whose module doesn't exist is left out. A
command whose packages are not installed is listed, but it only says which extra brings them.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import NoReturn

import click

from journal.content.problems import ContentError
from journal.content.repository import NoRepositoryError

COMMANDS = {
    "adr": "journal.cli.adr:adr",
    "build": "journal.site.commands:build",
    "card": "journal.cli.keeper:card",
    "check": "journal.cli.keeper:check",
    "confidence": "journal.cli.learner:confidence",
    "course": "journal.course:command",
    "due": "journal.cli.learner:due",
    "export": "journal.cli.keeper:export",
    "history": "journal.cli.keeper:history",
    "new": "journal.cli.new:new",
    "next": "journal.cli.learner:next_up",
    "proofs": "journal.cli.keeper:proofs",
    "publish": "journal.site.commands:publish",
    "quiz": "journal.cli.quiz:quiz",
    "reset": "journal.cli.learner:reset",
    "site": "journal.site.commands:site",
    "stats": "journal.cli.learner:stats",
    "watch": "journal.cli.watch:watch",
    "week": "journal.cli.keeper:week",
    "zip": "journal.site.commands:zip_site",
}


OURS = ("grading", "journal")


class LazyGroup(click.Group):
    """A group whose subcommands are named in a table and imported on use."""

    def __init__(self, *args: object, table: dict[str, str], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands whose modules exist."""
        lazy = {name for name, target in self._table.items() if _is_there(target.partition(":")[0])}
        return sorted(lazy | set(super().list_commands(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command; None if there is no command of that name."""
        target = self._table.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = target.partition(":")
        if not _is_there(module):
            return None
        try:
            command = getattr(importlib.import_module(module), attribute, None)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OURS:
                raise
            return _without_packages(cmd_name, "journal,site" if module.startswith("journal.site") else "journal")
        return command if isinstance(command, click.Command) else None


def _without_packages(name: str, extras: str) -> click.Command:
    """Return a command that only says how to install what the real one needs."""
    sentence = f"needs packages that are not installed; run: pip install 'redrive[{extras}]'"

    def refuse() -> NoReturn:
        raise click.ClickException(f"journal {name} {sentence}")

    anything = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    return click.Command(name, callback=refuse, help=f"({sentence})", context_settings=anything)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="redrive", prog_name="journal")
def journal() -> None:
    """Redrive: a learning journal whose every claim runs."""


def main() -> NoReturn:
    """Run the command line. An expected error is one sentence and exit code 1; wrong usage is exit code 2."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run `journal` with `arguments` and return its exit code."""
    try:
        result = journal.main(arguments, prog_name="journal", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader of the output has seen enough (`journal due | head -1`); Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (click.Abort, ContentError, NoRepositoryError, OSError) as error:
        click.echo(_sentence(error), err=True)
        return 130 if isinstance(error, click.Abort) else 1
    return result if isinstance(result, int) else 0


def _sentence(error: Exception) -> str:
    if isinstance(error, click.Abort):
        return "stopped; every answer so far is kept"
    if isinstance(error, ContentError):
        count = len(error.problems)
        return f"journal: {count} {'fault' if count == 1 else 'faults'} in the content:\n{error}"
    if isinstance(error, OSError) and error.strerror:
        return f"journal: {error.filename or 'a file'}: {error.strerror}"
    return f"journal: {error}"
