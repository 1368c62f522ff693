"""An observer that keeps what it hears."""

from collections import Counter

from jobqueue.adapters.silent_observer import SilentObserver


class RecordingObserver(SilentObserver):
    """Remembers attempts, moves, losses and failures in the order in which they came."""

    def __init__(self):
        self.attempts = []
        self.moves = Counter()
        self.lost = []
        self.failures = []
        self.stored = Counter()

    def submitted(self, queue, stored, duplicates):
        self.stored["stored"] += stored
        self.stored["duplicates"] += duplicates

    def attempt_ended(self, job, started, outcome, elapsed_s, error):
        self.attempts.append((job.id, job.attempt, outcome.value, error))

    def leases_lost(self, queue, job_ids):
        self.lost.extend(job_ids)

    def moved(self, queue, move, count):
        self.moves[move] += count

    def failed(self, where, error):
        self.failures.append((where, error))

    def outcomes(self):
        return Counter(outcome for _, _, outcome, _ in self.attempts)
