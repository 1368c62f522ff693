"""Structured log lines for what the application reports. A handler's own lines carry job id, attempt and trace, too."""

import logging
import os
import sys
from collections.abc import MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any

import structlog

from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.trace_context import trace_id_of
from jobqueue.application.ports.observer import Outcome
from jobqueue.domain.job import Job

_job: ContextVar[Job | None] = ContextVar("jobqueue_job", default=None)
_LEVELS = {Outcome.DONE: "debug", Outcome.RETRIED: "warning", Outcome.DEAD: "error", Outcome.GIVEN_BACK: "info"}


def configure(*, level: str, style: str) -> None:
    """Send structlog's lines to standard error as JSON, or readable with style "console".

    Only a terminal gets colours, and only without the environment variable NO_COLOR (https://no-color.org).
    """
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    renderer: Any = (
        structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=colors)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            add_job,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


# --8<-- [start:log-context]
def add_job(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the job that this task or thread runs. This is a structlog processor, so handlers need no code for it."""
    job = _job.get()
    if job is not None:
        event.setdefault("queue", job.queue)
        event.setdefault("job_id", job.id)
        event.setdefault("attempt", job.attempt)
        if trace_id := trace_id_of(job.context):
            event.setdefault("trace_id", trace_id)
    return event


# --8<-- [end:log-context]


class LogObserver(SilentObserver):
    """Logs how attempts end, what the loops move, and what fails; a job's payload is never logged."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        # Asked once: to build a line that nobody reads would be the larger part of what a short job costs us.
        self._debugs = bool(self._log.bind().is_enabled_for(logging.DEBUG))

    def attempt_started(self, job: Job) -> object:
        """Add the job to every line that the handler logs."""
        _job.set(job)
        return None

    def attempt_ended(
        self, job: Job, started: object, outcome: Outcome, elapsed_s: float, error: BaseException | None
    ) -> None:
        """Log how the attempt ended: a done job at level debug, a retry as a warning, a dead job as an error."""
        del started
        if outcome is Outcome.DONE and not self._debugs:
            _job.set(None)
            return
        log = getattr(self._log, _LEVELS.get(outcome, "warning"))
        said = f"{type(error).__name__}: {error}" if error else None
        log(f"job {outcome.value}", type=job.type, elapsed_s=round(elapsed_s, 6), error=said)
        _job.set(None)

    def leases_lost(self, queue: str, job_ids: Sequence[str]) -> None:
        """Log the jobs whose leases this worker has lost."""
        self._log.warning("leases lost", queue=queue, count=len(job_ids), job_ids=list(job_ids[:10]))

    def moved(self, queue: str, move: str, count: int) -> None:
        """Log a loop's moves: reaped and buried jobs at a higher level than promoted and trimmed ones."""
        log = self._log.warning if move in ("reaped", "buried") else self._log.debug
        log(f"jobs {move}", queue=queue, count=count)

    def failed(self, where: str, error: BaseException) -> None:
        """Log the failed pass, without a traceback: an unreachable store is not a bug in this code."""
        self._log.error("pass failed, going on", where=where, error=f"{type(error).__name__}: {error}")
