"""Every default number of the service, in one place; the SLO lesson derives the retry numbers.

Nothing else in the service repeats one of these: configuration, help texts and pages read them from here.
"""

# --8<-- [start:retry-defaults]
MAX_ATTEMPTS = 5
"""Attempts that must have failed, the first included, before a job is dead."""

BASE_S = 0.5
"""Ceiling of the delay before the second attempt, in seconds; it doubles with each further attempt."""

CAP_S = 60.0
"""Largest ceiling of a delay, in seconds."""

SURVIVE_S = 86400.0
"""Length of an outage, in seconds, that every job must survive: errors bury a job only when its first is older."""

BUDGET_RATIO = 0.2
"""Retries that one success pays for: 0.2 allows one retry for five successes in the long run."""

PROBE_EVERY_S = 10.0
"""Seconds between two retries of a job type that run without being paid for, to notice a recovery."""
# --8<-- [end:retry-defaults]

LEASE_S = 15.0
"""Seconds that a worker may stay silent before its jobs are given to another."""

SKEW_SLACK_S = 0.5
"""Seconds by which the reaper waits longer than the lease says, since clocks of two machines differ."""

TIMEOUT_S = 300.0
"""Seconds that one attempt may take, unless its handler is registered with another figure."""

CONCURRENCY = 100
"""Jobs that a worker runs at once."""

PREFETCH = 1000
"""Most jobs that a worker holds beyond those it runs; it takes that many only while jobs end that fast."""

GRACE_S = 25.0
"""Seconds from SIGTERM to the end of the process; Kubernetes kills what is left after 30."""

PAYLOAD_LIMIT = 256 * 1024
"""Largest payload, in bytes of JSON."""

BATCH_LIMIT = 1000
"""Most jobs that one script moves: it bounds how long the server serves nobody else."""

PROMOTE_EVERY_S = 0.2
ADMIT_EVERY_S = 0.2
REAP_EVERY_S = 0.25
TRIM_EVERY_S = 1.0

DONE_FOR_S = 3600.0
DONE_MAX = 1000
"""Jobs that are done stay to be looked up for an hour, and at most so many of each queue."""

DEAD_FOR_S = 90 * 86400.0
DEAD_MAX = 100_000
"""Dead jobs stay for a quarter of a year, and at most so many of each queue; the oldest go first."""

WAITING_FOR_S = 30 * 86400.0
"""Seconds that a job may wait for its attempts, as with all workers stopped, without losing the mark of its effect."""

KEY_FOR_S = 86400.0
"""Seconds for which an idempotency key is remembered after the submit, though its job be done and trimmed."""
