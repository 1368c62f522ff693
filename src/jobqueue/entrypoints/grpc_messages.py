"""Translation between protobuf messages and the domain's values. Only this module and its caller know both."""

from google.protobuf.timestamp_pb2 import Timestamp

from jobqueue.domain.job import JobState, JobView, QueueStats
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

STATES: dict[JobState, pb.State] = {state: getattr(pb, f"STATE_{state.name}") for state in JobState}
LATEST = 253_402_300_799.0  # the last second of the year 9999
NAMES = {number: state for state, number in STATES.items()}


def timestamp(at: float) -> Timestamp:
    """Return an instant in seconds since the epoch as a protobuf timestamp, to the microsecond.

    An instant that a timestamp can't hold becomes the last one that it can: a score in the store may be any number.
    """
    result = Timestamp()
    result.FromMicroseconds(round(min(max(at, 0.0), LATEST) * 1e6))
    return result


def sendable(job_id: str) -> str:
    """Return an id as text that a message can carry; an id that was written by other means may be any bytes."""
    return job_id.encode("utf-8", "replace").decode()


def job_message(view: JobView) -> pb.Job:
    """Return a job with its state as a message."""
    job, state = view.job, view.state
    return pb.Job(
        queue=job.queue,
        id=sendable(job.id),
        type=job.type,
        state=STATES[state],
        payload_json=job.payload,
        attempt=job.attempt,
        submitted_at=timestamp(job.submitted_at),
        due_at=timestamp(job.due_at) if state is JobState.SCHEDULED else None,
        finished_at=timestamp(view.at) if state in (JobState.DONE, JobState.DEAD) else None,
        errors=[
            pb.AttemptError(
                attempt=failure.attempt,
                at=timestamp(failure.at),
                causes=[pb.Cause(type=cause.type, message=cause.message) for cause in failure.causes],
            )
            for failure in job.failures
        ],
        redriven=[
            pb.Redriven(at=timestamp(mark.at), died_at=timestamp(mark.died_at), attempts=mark.attempts)
            for mark in job.redriven
        ],
    )


def stats_message(stats: QueueStats) -> pb.QueueStats:
    """Return a queue's figures as a message."""
    return pb.QueueStats(
        queue=stats.queue,
        scheduled=stats.depth[JobState.SCHEDULED],
        ready=stats.depth[JobState.READY],
        running=stats.depth[JobState.RUNNING],
        done=stats.depth[JobState.DONE],
        dead=stats.depth[JobState.DEAD],
        oldest_ready_age_s=stats.oldest_ready_age_s,
    )
