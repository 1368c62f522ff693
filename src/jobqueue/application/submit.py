"""Submit jobs: store the jobs of concurrent callers together, and a caller's many jobs in batches."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from jobqueue.application.job_request import JobRequest, job_of
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobIntake
from jobqueue.application.ports.observer import Observer
from jobqueue.domain import defaults
from jobqueue.domain.errors import InvalidJob
from jobqueue.domain.job import Job

__all__ = ["JobRequest", "Submitted", "Submitter"]

CHUNK_BYTES = 1024 * 1024


class Submitted(NamedTuple):
    """The job's id, and whether this submit made the job; False means that its idempotency key had a job already."""

    id: str
    stored: bool


@dataclass
class _Batch:
    """Jobs that are sent together, and for each caller a future that says whether its job was stored."""

    jobs: list[Job] = field(default_factory=list)
    answers: list[asyncio.Future[bool]] = field(default_factory=list)


class Submitter:
    """Stores jobs for any number of concurrent callers.

    Args:
        store: Where the jobs go.
        clock: Gives the instants of submission and of being due.
        observer: Hears of what was stored.
        new_id: Returns a new unguessable id of 32 hexadecimal digits at each call; unique over all processes.
        payload_limit: Largest payload, in bytes.
        key_for_s: Seconds for which an idempotency key is remembered.
    """

    def __init__(
        self,
        store: JobIntake,
        clock: Clock,
        observer: Observer,
        new_id: Callable[[], str],
        *,
        payload_limit: int = defaults.PAYLOAD_LIMIT,
        key_for_s: float = defaults.KEY_FOR_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._observer = observer
        self._new_id = new_id
        self._payload_limit = payload_limit
        self._key_for_s = key_for_s
        self._sending: set[str] = set()
        self._gathering: dict[str, _Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # --8<-- [start:group-commit]
    async def submit(self, queue: str, request: JobRequest) -> Submitted:
        """Store one job and return when the store has it.

        This is a group commit: jobs that are submitted while one batch is on its way are sent together in the next. A
        single caller doesn't wait for others, a hundred share a round trip, and each gets the store's own answer.

        Raises:
            InvalidJob: The request breaks a rule; nothing was stored.
            StoreError: As the port says. After `StoreUnavailable` only a submit with a key can be repeated safely.
        """
        job = self._job(queue, request, self._clock.now())
        if queue not in self._sending:
            self._sending.add(queue)
            try:
                stored = await self._send(queue, [job])
            finally:
                self._send_gathered(queue)
            return Submitted(job.id, stored[0])
        batch = self._gathering.get(queue)
        if batch is None:
            batch = self._gathering[queue] = _Batch()
        answer = asyncio.get_running_loop().create_future()  # its own: a caller that is cancelled takes nobody along
        batch.jobs.append(job)
        batch.answers.append(answer)
        return Submitted(job.id, await answer)

    def _send_gathered(self, queue: str) -> None:
        batch = self._gathering.pop(queue, None)
        if batch is None:
            self._sending.discard(queue)
            return
        task = asyncio.create_task(self._send_batch(queue, batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_batch(self, queue: str, batch: _Batch) -> None:
        try:
            stored = await self._send(queue, batch.jobs)
        except BaseException as error:
            self._send_gathered(queue)
            for answer in batch.answers:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            self._send_gathered(queue)  # first: the next batch travels while these callers go on
            for answer, was_stored in zip(batch.answers, stored, strict=True):
                if not answer.done():
                    answer.set_result(was_stored)

    # --8<-- [end:group-commit]

    async def submit_many(self, queue: str, requests: Sequence[JobRequest]) -> list[Submitted]:
        """Store many jobs, in batches, and return when the store has all of them.

        All requests are checked before any is stored. The second batch is prepared while the first is on its way.

        Raises:
            InvalidJob: A request breaks a rule; the message says which. Nothing was stored.
            StoreError: As the port says; a part may have been stored.
        """
        now = self._clock.now()
        jobs: list[Job] = []
        for number, request in enumerate(requests, 1):
            try:
                jobs.append(self._job(queue, request, now))
            except InvalidJob as error:
                raise type(error)(f"job {number} of {len(requests)}: {error}") from error
        stored = await self._send(queue, jobs)
        return [Submitted(job.id, was_stored) for job, was_stored in zip(jobs, stored, strict=True)]

    async def _send(self, queue: str, jobs: list[Job]) -> list[bool]:
        chunks = list(_chunks(jobs))
        if len(chunks) == 1:
            stored = await self._store.submit(queue, jobs, now=self._clock.now(), key_for_s=self._key_for_s)
        else:
            answers: list[list[bool]] = [[] for _ in chunks]
            waiting = iter(enumerate(chunks))

            async def send() -> None:
                for number, chunk in waiting:
                    answers[number] = await self._store.submit(
                        queue, chunk, now=self._clock.now(), key_for_s=self._key_for_s
                    )

            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(send())
                    both.create_task(send())
            except ExceptionGroup as group:
                raise group.exceptions[0] from None
            stored = [was_stored for answer in answers for was_stored in answer]
        count = sum(stored)
        self._observer.submitted(queue, count, len(jobs) - count)
        return stored

    def _job(self, queue: str, request: JobRequest, now: float) -> Job:
        return job_of(
            queue,
            request,
            now=now,
            new_id=self._new_id,
            payload_limit=self._payload_limit,
            context=self._observer.carrier(),
        )


def _chunks(jobs: list[Job]) -> Iterator[list[Job]]:
    """Split jobs into parts for one script each. Their number is bounded and, unless one job is larger, their bytes."""
    if len(jobs) <= defaults.BATCH_LIMIT and sum(len(job.payload) for job in jobs) <= CHUNK_BYTES:
        yield jobs
        return
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        if chunk and (len(chunk) == defaults.BATCH_LIMIT or size + len(job.payload) > CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += len(job.payload)
    yield chunk
