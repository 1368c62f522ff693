"""What a worker's death costs, for a job that was popped and for one that was moved into a processing list.

The queue is a fake Redis in this process, so that every list can be looked at between two commands; deaths are drawn
from a seeded source. What is left out does not change the argument: there is one worker at a time, a dead worker is
noticed at once, and a job's effect is one INCR.
"""

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from fakeredis import FakeRedis, FakeServer

READY = "{orders}:ready"
PROCESSING = "{orders}:processing:w1"
EFFECTS = "{orders}:effects"

Take = Literal["pop", "move"]


@dataclass(frozen=True)
class Moment:
    """What Redis holds after one event.

    Attributes:
        event: What has just happened.
        ready: READY, the entry that is next on the right.
        processing: The worker's processing list.
        done: Jobs whose effect is in Redis.
    """

    event: str
    ready: list[str]
    processing: list[str]
    done: list[str]

    @property
    def known(self) -> set[str]:
        """The jobs that anything in Redis still names."""
        return {*self.ready, *self.processing, *self.done}


def _empty_redis() -> Any:
    return FakeRedis(server=FakeServer(), decode_responses=True)


def _take(client: Any, how: Take) -> str | None:
    entry: str | None = client.rpop(READY) if how == "pop" else client.lmove(READY, PROCESSING, "RIGHT", "LEFT")
    return entry


def _recover(client: Any) -> None:
    while client.lmove(PROCESSING, READY, "RIGHT", "RIGHT") is not None:
        pass


def one_death(take: Take) -> list[Moment]:
    """Follow three jobs through the death of the worker that holds the first of them, and its recovery."""
    client = _empty_redis()
    moments: list[Moment] = []

    def note(event: str) -> None:
        done = sorted(client.hkeys(EFFECTS))
        moments.append(Moment(event, client.lrange(READY, 0, -1), client.lrange(PROCESSING, 0, -1), done))

    client.lpush(READY, "job-1", "job-2", "job-3")
    note("three jobs are submitted")
    _take(client, take)
    note("the worker takes job-1" + (" with RPOP" if take == "pop" else " with LMOVE"))
    note("the worker is killed")
    _recover(client)
    note("what it held is recovered")
    while (entry := _take(client, take)) is not None:
        client.hincrby(EFFECTS, entry, 1)
        client.lrem(PROCESSING, 1, entry)
    note("a second worker runs what is ready")
    return moments


def moments_table(moments: list[Moment]) -> str:
    """Write moments as a Markdown table."""
    rows = ["| event | ready | processing | done |", "| --- | --- | --- | --- |"]
    for moment in moments:
        lists = (" ".join(names) or "(empty)" for names in (moment.ready, moment.processing, moment.done))
        rows.append(f"| {moment.event} | {' | '.join(lists)} |")
    return "\n".join(rows)


@dataclass(frozen=True)
class Tally:
    """What became of many jobs.

    Attributes:
        jobs: Jobs submitted.
        deaths: Workers that died.
        lost: Jobs whose effect never came, and that no list holds any more.
        doubled: Jobs whose effect came more than once.
    """

    jobs: int
    deaths: int
    lost: int
    doubled: int


def many_deaths(
    take: Take,
    *,
    guarded: bool = False,
    jobs: int = 1000,
    before_effect: float = 0.03,
    after_effect: float = 0.02,
    seed: int = 136,
) -> Tally:
    """Run jobs to the end with workers that die now and then, and recover what each held.

    Args:
        take: How a worker takes its next job.
        guarded: Commit the effect, the mark and the acknowledgement in one MULTI/EXEC, and leave out the effect of a
            job that is marked; otherwise effect and acknowledgement are two commands.
        jobs: Jobs submitted, all before the first worker starts.
        before_effect: Probability that a worker dies between taking a job and its effect, each time.
        after_effect: Probability that a worker dies when the effect has been committed, before its next command.
        seed: Chooses who dies.
    """
    client, random = _empty_redis(), Random(seed)
    names = [f"job-{n}" for n in range(jobs)]
    client.lpush(READY, *names)
    deaths = 0
    while (name := _take(client, take)) is not None:
        fate = random.random()
        if fate >= before_effect:
            with client.pipeline() as pipe:
                if not (guarded and client.hexists(EFFECTS, name)):
                    pipe.hincrby(EFFECTS, name, 1)  # the effect; that it is there is also the mark
                if guarded:
                    pipe.lrem(PROCESSING, 1, name)
                pipe.execute()
        if fate < before_effect + after_effect:
            deaths += 1
            _recover(client)
        elif not guarded:
            client.lrem(PROCESSING, 1, name)
    effects = Counter({job: int(times) for job, times in client.hgetall(EFFECTS).items()})
    return Tally(
        jobs=jobs,
        deaths=deaths,
        lost=sum(effects[name] == 0 for name in names),
        doubled=sum(effects[name] > 1 for name in names),
    )


def tally_table(tallies: dict[str, Tally]) -> str:
    """Write tallies as a Markdown table, one row each, under their names."""
    rows = ["| | jobs | workers that died | jobs lost | effects doubled |", "| --- | --: | --: | --: | --: |"]
    rows += [f"| {name} | {one.jobs:,} | {one.deaths} | {one.lost} | {one.doubled} |" for name, one in tallies.items()]
    return "\n".join(rows)
