"""Commands that talk to a running service over gRPC."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import update_wrapper
from typing import Any, BinaryIO

import click
import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from jobqueue.application.inspector import DeadSelection
from jobqueue.config import from_environment
from jobqueue.domain.errors import JobQueueError
from jobqueue.entrypoints.cli.output import as_json, json_option, moment, progress, table
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import JobQueueStub

BATCH = 1000
TIMEOUT_S = 30.0


def client_command(command: Callable[..., Awaitable[None]]) -> Any:
    """Turn a function into a command with a client's options. It gets a connected stub; errors become one sentence."""

    def run(address: str | None, token: str | None, tls_ca: str, tls_cert: str, tls_key: str, **rest: Any) -> None:
        async def connected() -> None:
            settings = from_environment(listen=address, token=token)
            async with connect(
                settings.listen,
                token=settings.token,
                tls_ca=tls_ca,
                tls_cert=tls_cert,
                tls_key=tls_key,
                message_limit=settings.message_limit,
            ) as stub:
                try:
                    await command(stub, **rest)
                except grpc.aio.AioRpcError as error:
                    raise click.ClickException(_sentence(error, settings.listen)) from error

        try:
            asyncio.run(connected())
        except JobQueueError as error:
            raise click.ClickException(str(error)) from error

    wrapped: Any = update_wrapper(run, command)
    for name, about in (
        ("--tls-key", "PEM file of this client's private key."),
        ("--tls-cert", "PEM file of this client's certificate, for mutual TLS."),
        ("--tls-ca", "PEM file of the CA that signed the server's certificate."),
    ):
        wrapped = click.option(name, default="", help=about)(wrapped)
    wrapped = click.option("--token", help="Bearer token.  [default: JOBQUEUE_TOKEN]")(wrapped)
    return click.option(
        "--address", help="Address of the service.  [default: JOBQUEUE_LISTEN, or port 50051 of this machine]"
    )(wrapped)


def _sentence(error: grpc.aio.AioRpcError, address: str) -> str:
    if error.code() is grpc.StatusCode.UNAVAILABLE and "connect" in (error.details() or ""):
        return f"no service answers at {address}; start one with `jobqueue serve`, or name its --address"
    return f"{error.code().name}: {error.details()}"


queue_option = click.option("--queue", default="default", show_default=True, help="The queue.")


@click.command()
@click.argument("type")
@click.argument("payload", default="null")
@queue_option
@click.option("--delay", "delay_s", type=float, default=0.0, help="Seconds until the job may run.")
@click.option("--key", default="", help="Idempotency key: further submits with this key make no job.")
@click.option(
    "--lines", type=click.File("rb"), help="Submit a job for each line of this file; a line is a JSON payload."
)
@json_option
@client_command
async def submit(
    stub: JobQueueStub,
    type: str,  # noqa: A002 - it names the argument in the help
    payload: str,
    queue: str,
    delay_s: float,
    key: str,
    lines: BinaryIO | None,
    json_output: bool,
) -> None:
    """Submit a job of TYPE with a JSON PAYLOAD ("-" reads it from standard input), and print its id.

    \b
    jobqueue submit echo '{"hello": "world"}'
    jobqueue submit flaky '{"failures": 2}' --key order-7
    jobqueue submit sleep --lines payloads.jsonl
    """  # noqa: D301 - click wants the backspace itself
    if lines is not None:
        await _submit_lines(stub, queue, type, delay_s, lines, json_output=json_output)
        return
    body = sys.stdin.buffer.read() if payload == "-" else payload.encode()
    job = pb.NewJob(type=type, payload_json=body, delay_s=delay_s, idempotency_key=key)
    answer = await stub.Submit(pb.SubmitRequest(queue=queue, job=job), timeout=TIMEOUT_S)
    if json_output:
        as_json({"id": answer.id, "duplicate": answer.duplicate})
    else:
        click.echo(answer.id + ("  (was there before)" if answer.duplicate else ""))


async def _submit_lines(
    stub: JobQueueStub, queue: str, kind: str, delay_s: float, lines: BinaryIO, *, json_output: bool
) -> None:
    with progress("submitted") as told:

        def batches() -> Iterator[pb.SubmitBatchRequest]:
            batch = pb.SubmitBatchRequest(queue=queue)
            for line in lines:
                if not line.strip():
                    continue
                batch.jobs.append(pb.NewJob(type=kind, payload_json=line.strip(), delay_s=delay_s))
                if len(batch.jobs) == BATCH:
                    yield batch
                    told(BATCH)
                    batch = pb.SubmitBatchRequest(queue=queue)
            if batch.jobs:
                yield batch
                told(len(batch.jobs))

        answer = await stub.SubmitStream(batches())
    said = {"stored": answer.stored, "duplicates": answer.duplicates}
    as_json(said) if json_output else click.echo(f"{answer.stored} stored, {answer.duplicates} were there before")


@click.command()
@click.argument("id")
@queue_option
@json_option
@client_command
async def get(stub: JobQueueStub, id: str, queue: str, json_output: bool) -> None:  # noqa: A002
    """Show the job with this ID: its state, its attempts, and the errors of those that failed."""
    show(await stub.Get(pb.GetRequest(queue=queue, id=id), timeout=TIMEOUT_S), json_output=json_output)


@click.command()
@click.argument("id")
@queue_option
@json_option
@client_command
async def watch(stub: JobQueueStub, id: str, queue: str, json_output: bool) -> None:  # noqa: A002
    """Follow the job with this ID, and print each change until it is done or dead."""
    async for job in stub.Watch(pb.WatchRequest(queue=queue, id=id)):
        if json_output:
            as_json(job_dict(job))
        else:
            click.echo(f"{state_name(job)}  attempt {job.attempt}")


@click.command()
@click.argument("id")
@queue_option
@client_command
async def cancel(stub: JobQueueStub, id: str, queue: str) -> None:  # noqa: A002
    """Cancel the job with this ID if it isn't running yet. A cancelled job is dead; you can re-drive it."""
    await stub.Cancel(pb.CancelRequest(queue=queue, id=id), timeout=TIMEOUT_S)
    click.echo("cancelled")


@click.command()
@click.option("--queue", default="", help="Show only this queue.  [default: all]")
@json_option
@client_command
async def stats(stub: JobQueueStub, queue: str, json_output: bool) -> None:
    """Show how many jobs are in each state, and how long the oldest ready job has waited."""
    answer = await stub.Stats(pb.StatsRequest(queue=queue), timeout=TIMEOUT_S)
    names = ("queue", "scheduled", "ready", "running", "done", "dead", "oldest_ready_age_s")
    rows = [{name: getattr(item, name) for name in names} for item in answer.queues]
    if json_output:
        as_json(rows)
    else:
        table(
            names, [[f"{row[name]:.1f}" if name.endswith("_s") else str(row[name]) for name in names] for row in rows]
        )


@click.group()
def dead() -> None:
    """Look at the dead letters."""


@dead.command("list")
@queue_option
@click.option("--error-type", default="", help="List only jobs that died of this error, such as KeyError.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="List at most so many.")
@json_option
@client_command
async def dead_list(stub: JobQueueStub, queue: str, error_type: str, limit: int, json_output: bool) -> None:
    """List dead jobs with the errors that they died of; those that died first come first."""
    jobs: list[pb.Job] = []
    token = ""
    while len(jobs) < limit:
        request = pb.ListDeadRequest(
            queue=queue, error_type=error_type, page_token=token, page_size=min(1000, limit - len(jobs))
        )
        answer = await stub.ListDead(request, timeout=TIMEOUT_S)
        jobs += answer.jobs
        token = answer.next_page_token
        if not token:
            break
    if json_output:
        as_json([job_dict(job) for job in jobs])
        return
    names = ("id", "type", "died", "attempts", "error")
    table(names, [[job.id, job.type, _at(job.finished_at), str(job.attempt), _died_of(job)] for job in jobs])


@click.command()
@queue_option
@click.option("--id", "ids", multiple=True, help="Re-drive this job. You may give the option several times.")
@click.option("--error-type", default="", help="Re-drive all jobs that died of this error.")
@click.option("--all", "everything", is_flag=True, help="Re-drive all dead jobs.")
@click.option("--dry-run", is_flag=True, help="List the jobs, but change nothing.")
@json_option
@client_command
async def redrive(
    stub: JobQueueStub,
    queue: str,
    ids: tuple[str, ...],
    error_type: str,
    everything: bool,
    dry_run: bool,
    json_output: bool,
) -> None:
    """Make dead jobs ready again. They begin at the first attempt; the record keeps their earlier failures."""
    DeadSelection.exactly_one(ids, error_type, everything=everything)
    request = pb.RedriveRequest(queue=queue, ids=ids, error_type=error_type, all=everything, dry_run=dry_run)
    answer = await stub.Redrive(request)
    if json_output:
        as_json({"ids": list(answer.ids), "dry_run": dry_run})
        return
    for job_id in answer.ids[:20]:
        click.echo(job_id)
    if len(answer.ids) > 20:
        click.echo(f"… and {len(answer.ids) - 20} more")
    click.echo(f"{len(answer.ids)} dead jobs {'would be' if dry_run else 'were'} made ready")


def state_name(job: pb.Job) -> str:
    """Return the name of a job's state in lower case."""
    return pb.State.Name(job.state).removeprefix("STATE_").lower()


def job_dict(job: pb.Job) -> dict[str, Any]:
    """Return a job as plain JSON values."""
    try:
        payload = json.loads(job.payload_json)
    except ValueError:
        payload = job.payload_json.decode("utf-8", "backslashreplace")
    return {
        "queue": job.queue,
        "id": job.id,
        "type": job.type,
        "state": state_name(job),
        "attempt": job.attempt,
        "payload": payload,
        "submitted_at": _at(job.submitted_at),
        "due_at": _at(job.due_at),
        "finished_at": _at(job.finished_at),
        "errors": [
            {
                "attempt": error.attempt,
                "at": _at(error.at),
                "causes": [{"type": cause.type, "message": cause.message} for cause in error.causes],
            }
            for error in job.errors
        ],
        "redriven": [
            {"at": _at(mark.at), "died_at": _at(mark.died_at), "attempts": mark.attempts} for mark in job.redriven
        ],
    }


def show(job: pb.Job, *, json_output: bool) -> None:
    """Print a job."""
    facts = job_dict(job)
    if json_output:
        as_json(facts)
        return
    for name in ("id", "queue", "type", "state", "attempt", "submitted_at", "due_at", "finished_at"):
        if facts[name]:
            click.echo(f"{name:13} {facts[name]}")
    click.echo(f"{'payload':13} {json.dumps(facts['payload'])[:200]}")
    for error in facts["errors"]:
        click.echo(f"attempt {error['attempt']} failed at {error['at']}:")
        for depth, cause in enumerate(error["causes"]):
            click.echo(f"  {'  ' * depth}{'from ' if depth else ''}{cause['type']}: {cause['message']}")


def _at(at: Timestamp) -> str:
    return moment(at.ToMicroseconds() / 1e6) if at.ByteSize() else ""


def _died_of(job: pb.Job) -> str:
    if not job.errors or not job.errors[-1].causes:
        return ""
    cause = job.errors[-1].causes[0]
    return f"{cause.type}: {cause.message}"[:100]
