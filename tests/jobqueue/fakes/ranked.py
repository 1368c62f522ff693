"""A sorted set like that of Redis, for the store in memory."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable


class Ranked:
    """A small sorted set: ids ordered by (score, id)."""

    def __init__(self) -> None:
        self.score: dict[str, float] = {}
        self._order: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self.score)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self.score

    def put(self, job_id: str, score: float) -> None:
        """Set the id's score, adding the id if it is not there."""
        self.take(job_id)
        self.score[job_id] = score
        insort(self._order, (score, job_id))

    def take(self, job_id: str) -> bool:
        """Remove the id; return whether it was there."""
        if job_id not in self.score:
            return False
        del self._order[bisect_left(self._order, (self.score.pop(job_id), job_id))]
        return True

    def count_up_to(self, score: float) -> int:
        """Return how many ids have at most this score."""
        return bisect_right(self._order, score, key=lambda ranked: ranked[0])

    def first(self, limit: int, start: int = 0, where: Callable[[float], bool] = lambda _: True) -> list[str]:
        """Return up to `limit` ids from rank `start` on, lowest score first, while `where` holds for their scores."""
        found: list[str] = []
        for score, job_id in self._order[start : start + limit]:
            if not where(score):
                break
            found.append(job_id)
        return found
