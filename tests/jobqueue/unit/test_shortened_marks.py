"""Marks of effects are shortened after the acknowledgement: in batches, and never for a job that another worker has."""

import asyncio

from jobqueue.application.effect_marks import AttemptMarks, Mark, Shortener, enter, keep_s, leave
from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain import defaults
from tests.jobqueue.fakes.jobs import job
from tests.jobqueue.fakes.recording_observer import RecordingObserver

ONE, TWO = Receipt(job(1).id, "w.1"), Receipt(job(2).id, "w.1")


class Server:
    """Where marks are shortened; it can be away."""

    def __init__(self):
        self.asked, self.away = [], False

    async def shorten(self, names, life_s):
        if self.away:
            raise ConnectionError("away")
        self.asked.append((names, life_s))


async def test_the_marks_of_a_batch_are_shortened_in_one_request_for_each_server():
    near, far = Server(), Server()
    shortener = Shortener(RecordingObserver(), "q", 60.0)
    shortener.acknowledge(ONE.id, [Mark("a", near.shorten), Mark("b", far.shorten)])
    shortener.acknowledge(TWO.id, [Mark("c", near.shorten)])
    shortener.acknowledged([ONE, TWO], [])
    shortener.acknowledged([ONE], [])
    await shortener.close()
    await shortener.close()
    assert (near.asked, far.asked) == ([(["a", "c"], 60.0)], [(["b"], 60.0)])


async def test_a_mark_whose_acknowledgement_was_refused_is_left_alone():
    server = Server()
    shortener = Shortener(RecordingObserver(), "q", 60.0)
    shortener.acknowledge(ONE.id, [Mark("a", server.shorten)])
    shortener.acknowledged([ONE], [ONE.id])
    await shortener.close()
    assert server.asked == []


async def test_a_server_that_is_away_costs_the_worker_nothing_but_a_report():
    server, observer = Server(), RecordingObserver()
    shortener = Shortener(observer, "q", 60.0)
    server.away = True
    shortener.acknowledge(ONE.id, [Mark("a", server.shorten)])
    shortener.acknowledged([ONE], [])
    await shortener.close()
    server.away = False
    shortener.acknowledge(TWO.id, [Mark("b", server.shorten)])
    shortener.acknowledged([TWO], [])
    await shortener.close()
    assert [where for where, _ in observer.failures] == ["marks of q"]
    assert server.asked == [(["b"], 60.0)]


async def test_only_the_marks_of_the_job_itself_are_taken():
    """An attempt that failed leaves marks too; the next job of the slot must not have them shortened."""
    marks, mine, other = AttemptMarks(5.0), job(1), job(2)

    async def handler():
        enter(marks)
        leave(other, Mark("other", None))
        leave(mine, Mark("mine", None))
        assert keep_s() == 5.0

    await asyncio.create_task(handler())
    assert [mark.name for mark in marks.take(mine)] == ["mine"]
    assert marks.take(other) == []


async def test_outside_of_a_worker_the_defaults_hold_and_nothing_is_shortened():
    leave(job(1), Mark("a", None))
    assert keep_s() == defaults.DEAD_FOR_S + defaults.WAITING_FOR_S
