"""Commands that are the service, or look after it."""

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
    """Read the settings, or end the command with all that is wrong with them."""
    try:
        return from_environment(**overrides)
    except JobQueueError as error:
        raise click.ClickException(f"the settings cannot be used:\n{error}") from error


def _serve(processes: Processes, settings: Settings, *, front: bool, worker: bool) -> None:
    # A worker alone runs on uvloop where it is installed; grpc.aio is at home on the loop of asyncio.
    _run(processes.serve(settings, front=front, worker=worker), None if front else uvloop_if_installed())
    leave_stuck_threads()


def uvloop_if_installed() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop of uvloop, the extra of that name, or None."""
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
@click.option("--listen", help="Address of the gRPC front; else JOBQUEUE_LISTEN, else 127.0.0.1:50051.")
@click.option("--data-dir", help="Folder of the embedded Valkey; else JOBQUEUE_DATA_DIR.")
@click.option("--worker/--no-worker", default=True, show_default=True, help="Run a worker in the same process.")
@click.pass_obj
def serve(processes: Processes, listen: str | None, data_dir: str | None, worker: bool) -> None:
    """Run the service: gRPC front and worker, on an embedded Valkey unless JOBQUEUE_REDIS_URL names another.

    SIGTERM or Ctrl+C drains: no new calls, calls and jobs in flight finish, the rest is given back. A second one ends
    the process at once.
    """
    _serve(processes, settings_from(listen=listen, data_dir=data_dir), front=True, worker=worker)


@click.command()
@click.option("--queues", help="Queues to serve in turn, by comma; else JOBQUEUE_QUEUES.")
@click.option("--concurrency", type=click.IntRange(1), help="Jobs at once; else JOBQUEUE_CONCURRENCY.")
@click.option("--handlers", help="Module that registers the handlers; else JOBQUEUE_HANDLERS.")
@click.pass_obj
def worker(processes: Processes, queues: str | None, concurrency: int | None, handlers: str | None) -> None:
    """Run a worker alone; start as many as there are cores to spare."""
    names = tuple(name.strip() for name in queues.split(",")) if queues else None
    settings = settings_from(queues=names, concurrency=concurrency, handlers=handlers)
    _serve(processes, settings, front=False, worker=True)


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def backup(processes: Processes, target: Path) -> None:
    """Write a snapshot of the embedded Valkey's data to the file TARGET, while it runs or not."""
    if target.exists():
        raise click.ClickException(f"{target} is there already; a backup does not overwrite another")
    size = _run(processes.backup(settings_from(), target))
    click.echo(f"{target}: {size:,} bytes")


@click.command()
@click.option("--jobs", type=click.IntRange(100, 5_000_000), default=100_000, show_default=True)
@json_option
@click.pass_obj
def bench(processes: Processes, jobs: int, json_output: bool) -> None:
    """Measure this machine: submit jobs that do nothing in bulk, then drain them with one worker.

    Uses a queue of its own, "bench", on the configured server or an embedded one without an append-only file.
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
    """Show every setting: its variable, default, value now, and meaning."""
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
    """Return the defaults as a Markdown table; seconds and bytes are named in the variables or their meanings."""
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
