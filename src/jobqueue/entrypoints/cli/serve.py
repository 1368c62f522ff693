"""Commands that run the service, and commands that maintain it."""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from jobqueue.config import Settings, from_environment, variable
from jobqueue.domain.errors import JobQueueError
from jobqueue.entrypoints.cli.output import as_json, json_option, table
from jobqueue.entrypoints.process_signals import leave_stuck_threads
from jobqueue.entrypoints.processes import Processes


def settings_from(**overrides: Any) -> Settings:
    """Read the settings; if some can't be used, end the command with a list of all problems."""
    try:
        return from_environment(**overrides)
    except JobQueueError as error:
        raise click.ClickException(f"the settings cannot be used:\n{error}") from error


def _serve(processes: Processes, settings: Settings, *, front: bool, worker: bool) -> None:
    # A worker without a front runs on uvloop if it is installed; grpc.aio supports asyncio's own loop best.
    _run(processes.serve(settings, front=front, worker=worker), None if front else uvloop_if_installed())
    leave_stuck_threads()


def uvloop_if_installed() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory of event loops, or None if the extra `uvloop` isn't installed."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return uvloop.new_event_loop


def _run(work: Any, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Any:
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(work)
    except JobQueueError as error:
        raise click.ClickException(str(error)) from error


@click.command()
@click.option("--listen", help="Address of the gRPC front.  [default: JOBQUEUE_LISTEN, or 127.0.0.1:50051]")
@click.option("--data-dir", help="Folder of the embedded Valkey.  [default: JOBQUEUE_DATA_DIR]")
@click.option("--worker/--no-worker", default=True, show_default=True, help="Run a worker in the same process.")
@click.pass_obj
def serve(processes: Processes, listen: str | None, data_dir: str | None, worker: bool) -> None:
    """Run the service: a gRPC front, a worker and, unless JOBQUEUE_REDIS_URL names a server, an embedded Valkey.

    SIGTERM or Ctrl+C drains: the service refuses new calls, finishes calls and running jobs, and gives back the rest.
    A second signal ends the process immediately.
    """
    _serve(processes, settings_from(listen=listen, data_dir=data_dir), front=True, worker=worker)


@click.command()
@click.option("--queues", help="Queues to serve, separated by commas.  [default: JOBQUEUE_QUEUES]")
@click.option("--concurrency", type=click.IntRange(1), help="Jobs to run at once.  [default: JOBQUEUE_CONCURRENCY]")
@click.option("--handlers", help="Module that registers the handlers.  [default: JOBQUEUE_HANDLERS]")
@click.pass_obj
def worker(processes: Processes, queues: str | None, concurrency: int | None, handlers: str | None) -> None:
    """Run a worker without a front. Start one for each core that you can spare."""
    names = tuple(name.strip() for name in queues.split(",")) if queues else None
    settings = settings_from(queues=names, concurrency=concurrency, handlers=handlers)
    _serve(processes, settings, front=False, worker=True)


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(processes: Processes, target: Path) -> None:
    """Write the embedded Valkey's data to the file TARGET, whether the service is running or not."""
    if target.exists():
        raise click.ClickException(f"{target} exists already, and a backup never overwrites a file; give another name")
    size = _run(processes.backup(settings_from(), target))
    click.echo(f"{target}: {size:,} bytes")


@click.command()
@click.option("--jobs", type=click.IntRange(100, 5_000_000), default=100_000, show_default=True, help="How many.")
@json_option
@click.pass_obj
def bench(processes: Processes, jobs: int, json_output: bool) -> None:
    """Measure this machine: submit empty jobs in bulk, then run them with one worker.

    The jobs are in the queue "bench", on the configured server or on an embedded one without an append-only file.
    """
    figures = _run(processes.bench(settings_from(), jobs))
    if json_output:
        as_json(figures)
    else:
        for name, value in figures.items():
            click.echo(f"{name:24} {value:>12,.1f}")


@click.command()
@json_option
@click.option("--markdown", is_flag=True, help="Print a Markdown table of the defaults, for the operator page.")
def settings(json_output: bool, markdown: bool) -> None:
    """Show every setting: its variable, its default, its current value, and what it means."""
    if markdown:
        click.echo(settings_table())
        return
    now = settings_from()
    rows = []
    for item in fields(Settings):
        value = getattr(now, item.name)
        shown = "(set)" if item.name == "token" and value else _text(value)
        rows.append([variable(item.name), _text(item.default), shown, item.metadata["help"]])
    if json_output:
        as_json([dict(zip(("variable", "default", "value", "meaning"), row, strict=True)) for row in rows])
    else:
        table(["variable", "default", "value", "meaning"], rows)


def settings_table() -> str:
    """Return the defaults as a Markdown table; the variables or their meanings give the units."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for item in fields(Settings):
        default = f"`{_text(item.default)}`" if _text(item.default) else "empty"
        lines.append(f"| `{variable(item.name)}` | {default} | {item.metadata['help']} |")
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
