"""The nine methods. Each turns a message into a use case's arguments, and the result into a message."""

from collections.abc import AsyncIterator
from typing import Any

from grpc.aio import ServicerContext

from jobqueue.application.inspector import DeadSelection, Inspector
from jobqueue.application.job_request import JobRequest, check_queue
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import DeadJob
from jobqueue.application.submit import Submitted, Submitter
from jobqueue.config import Settings
from jobqueue.domain.errors import InvalidJob, ShuttingDown
from jobqueue.domain.job import JobState, JobView
from jobqueue.entrypoints.grpc_messages import job_message, sendable, stats_message
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from jobqueue.entrypoints.proto.jobqueue_pb2_grpc import JobQueueServicer

Call = ServicerContext[Any, Any]

DEFAULT_QUEUE = "default"
PAGE = 100
PAGE_BYTES = 2 * 1024 * 1024
"""A page of dead jobs ends here at the latest: half of what a gRPC client accepts unless it is told otherwise."""
WATCH_EVERY_S = 0.1
FINAL = {JobState.DONE, JobState.DEAD}


class GrpcService(JobQueueServicer):
    """Answers the calls of the front.

    Args:
        settings: Which queues `Stats` reports when none is named.
        submitter: Stores submitted jobs.
        inspector: Looks at single jobs and moves them.
        clock: Paces `Watch`.
    """

    def __init__(self, settings: Settings, submitter: Submitter, inspector: Inspector, clock: Clock) -> None:
        self._queues = settings.queues
        self._submitter = submitter
        self._inspector = inspector
        self._clock = clock
        self._watches_end = False

    def end_watches(self) -> None:
        """End every `Watch`; its client calls again and reaches another server."""
        self._watches_end = True

    # --8<-- [start:submit]
    async def Submit(self, request: pb.SubmitRequest, context: Call) -> pb.SubmitResponse:
        """Store one job."""
        return _submitted(await self._submitter.submit(_queue(request.queue), _wanted(request.job)))

    # --8<-- [end:submit]

    async def SubmitBatch(self, request: pb.SubmitBatchRequest, context: Call) -> pb.SubmitBatchResponse:
        """Store many jobs, all checked before any is stored."""
        jobs = [_wanted(job) for job in request.jobs]
        results = await self._submitter.submit_many(_queue(request.queue), jobs) if jobs else []
        return pb.SubmitBatchResponse(results=[_submitted(result) for result in results])

    async def SubmitStream(
        self, request_iterator: AsyncIterator[pb.SubmitBatchRequest], context: Call
    ) -> pb.SubmitStreamResponse:
        """Store batches as they come, one at a time, so the sender is never faster than the store."""
        stored = duplicates = 0
        async for request in request_iterator:
            jobs = [_wanted(job) for job in request.jobs]
            results = await self._submitter.submit_many(_queue(request.queue), jobs) if jobs else []
            fresh = sum(result.stored for result in results)
            stored += fresh
            duplicates += len(results) - fresh
        return pb.SubmitStreamResponse(stored=stored, duplicates=duplicates)

    async def Get(self, request: pb.GetRequest, context: Call) -> pb.Job:
        """Return a job."""
        return job_message(await self._inspector.get(_queue(request.queue), request.id))

    # --8<-- [start:watch]
    async def Watch(self, request: pb.WatchRequest, context: Call) -> AsyncIterator[pb.Job]:
        """Send a job whenever a change is seen, until it is done or dead or the caller's deadline has passed."""
        queue, told = _queue(request.queue), None
        while True:
            view = await self._inspector.get(queue, request.id)
            if (view.state, view.job.attempt) != told:
                told = (view.state, view.job.attempt)
                yield job_message(view)
            if view.state in FINAL:
                return
            if self._watches_end:
                raise ShuttingDown("this server is shutting down; call Watch again to go on at another one")
            await self._clock.sleep(WATCH_EVERY_S)

    # --8<-- [end:watch]

    async def Cancel(self, request: pb.CancelRequest, context: Call) -> pb.CancelResponse:
        """Make a job dead that isn't running yet."""
        await self._inspector.cancel(_queue(request.queue), request.id)
        return pb.CancelResponse()

    async def ListDead(self, request: pb.ListDeadRequest, context: Call) -> pb.ListDeadResponse:
        """Return a page of dead jobs; with an error type, only those that died of it."""
        room = PAGE_BYTES
        messages: list[pb.Job] = []

        def fits(dead: DeadJob) -> bool:
            nonlocal room
            message = job_message(JobView(dead.job, JobState.DEAD, dead.died_at))
            room -= message.ByteSize()
            if messages and room < 0:
                return False
            messages.append(message)
            return True

        page = await self._inspector.dead(
            _queue(request.queue),
            DeadSelection(error_type=request.error_type),
            start=_rank(request.page_token),
            size=request.page_size or PAGE,
            fits=fits,
        )
        token = "" if page.next_rank is None else str(page.next_rank)
        return pb.ListDeadResponse(jobs=messages, next_page_token=token)

    async def Redrive(self, request: pb.RedriveRequest, context: Call) -> pb.RedriveResponse:
        """Make dead jobs ready again."""
        selection = DeadSelection.exactly_one(request.ids, request.error_type, everything=request.all)
        jobs = self._inspector.redrive(_queue(request.queue), selection, dry_run=request.dry_run)
        return pb.RedriveResponse(ids=[sendable(dead.job.id) async for dead in jobs])

    async def Stats(self, request: pb.StatsRequest, context: Call) -> pb.StatsResponse:
        """Return the figures of one queue, or of all queues in this server's settings."""
        queues = [_queue(request.queue)] if request.queue else self._queues
        return pb.StatsResponse(queues=[stats_message(stats) for stats in await self._inspector.stats(queues)])


def _queue(name: str) -> str:
    if name:
        check_queue(name)
    return name or DEFAULT_QUEUE


def _wanted(job: pb.NewJob) -> JobRequest:
    return JobRequest(job.type, job.payload_json or b"null", job.delay_s, job.idempotency_key)


def _submitted(result: Submitted) -> pb.SubmitResponse:
    return pb.SubmitResponse(id=result.id, duplicate=not result.stored)


def _rank(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        raise InvalidJob(f"page_token must be one that ListDead returned, got {token[:40]!r}")
    return int(token)
