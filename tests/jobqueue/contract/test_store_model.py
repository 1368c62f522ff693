"""Random histories: whatever is done in whatever order, the Redis store does what the memory model does."""

import asyncio
import os
import random

import fakeredis
import pytest
import redis.asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.admission import AdmissionPolicy
from jobqueue.domain.errors import TransientError, UndecodableRecord
from jobqueue.domain.job import JobState
from jobqueue.domain.moves import MOVES
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import after_failure, after_lapse, noted, redriven
from tests.jobqueue.contract.conftest import DONE_MAX, check_nothing_is_lost, memory_engine, redis_engine
from tests.jobqueue.fakes.jobs import T0, job

POLICY = RetryPolicy(max_attempts=2, base_s=1.0, cap_s=2.0, survive_s=0.0)
ADMISSION = AdmissionPolicy(ratio=0.5, probe_every_s=5.0)
NUMBERS = st.integers(0, 7)
KEEP = {"done_for_s": 20.0, "done_max": 3, "dead_for_s": 30.0, "dead_max": 3, "limit": 2}


STATE_OF = {
    "scheduled": JobState.SCHEDULED,
    "retries": JobState.SCHEDULED,
    "ready": JobState.READY,
    "leases": JobState.RUNNING,
    "done": JobState.DONE,
    "dead": JobState.DEAD,
}
LOOKS = {"lapsed", "due_retries", "find", "dead", "stats"}
SCRIPT_OF = {"wait_and_claim": "acknowledge_and_claim"}


class Histories(RuleBasedStateMachine):
    """The same calls to both stores; every answer and every structure must agree, every move must be declared."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clients = self.connect()
        self.model, self.real = memory_engine(), redis_engine(*self.clients)
        self.now = T0
        self.claims = 0
        self.receipts = []  # every receipt ever given out: late workers come back with old ones
        self.views = []
        self.was = self.states()
        self.seen = set()

    def connect(self):
        server = fakeredis.FakeServer()
        return fakeredis.FakeAsyncRedis(server=server), fakeredis.FakeAsyncRedis(server=server)

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def states(self):
        """Return the state of every job, as the structures of the scripts say."""
        self.where = self.run(self.real.where())
        return {job_id: state for name, state in STATE_OF.items() for job_id in self.where[name]}

    def both(self, method, *args, **kwargs):
        """Call both stores, return the one answer they must give, and note which moves the script made."""
        before, answer = self.was, self.answer_of_both(method, *args, **kwargs)
        if method not in LOOKS:
            self.was = self.states()
        for job_id in before.keys() | self.was.keys():
            self.moved(method, before.get(job_id), self.was.get(job_id))
        return answer

    def moved(self, method, source, target):
        """Check that the script was declared to make this move; a job that is acknowledged may be trimmed with it."""
        if source == target:
            return
        declared = {(move.source, move.target) for move in MOVES if move.script == SCRIPT_OF.get(method, method)}
        if (source, target) == (JobState.RUNNING, None):
            assert {(JobState.RUNNING, JobState.DONE), (JobState.DONE, None)} <= declared
        else:
            assert (source, target) in declared, f"{method} moved a job from {source} to {target}"
            self.seen.add((SCRIPT_OF.get(method, method), source, target))

    def answer_of_both(self, method, *args, **kwargs):
        answers = []
        for engine in (self.model, self.real):
            try:
                answers.append(self.run(getattr(engine.store, method)(*args, **kwargs)))
            except UndecodableRecord as error:
                answers.append(str(error))
        model, real = (repr(answer).replace("()", "[]") for answer in answers)
        assert model == real, f"{method} answers differently"
        return answers[0]

    def some_receipts(self, picks):
        chosen = [self.receipts[pick % len(self.receipts)] for pick in picks] if self.receipts else []
        return list(dict.fromkeys(chosen))

    @rule(seconds=st.sampled_from([0.25, 1.0, 5.0, 12.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(numbers=st.lists(NUMBERS, max_size=4), delay_s=st.sampled_from([0.0, 0.0, 3.0]), keyed=st.booleans())
    def submit(self, numbers, delay_s, keyed):
        jobs = [
            job(number, key="key" if keyed else "")._replace(submitted_at=self.now, due_at=self.now + delay_s)
            for number in numbers
        ]
        self.both("submit", "q", jobs, now=self.now, key_for_s=15.0)

    @rule(picks=st.lists(st.integers(0, 99), max_size=3), wanted=st.integers(0, 4), waits=st.booleans())
    def acknowledge_and_claim(self, picks, wanted, waits):
        self.claims += 1
        options = {"wanted": wanted, "token": f"w.{self.claims}", "now": self.now, "lease_s": 10.0}
        if waits and wanted and self.run(self.model.where())["ready"]:
            claim = self.both("wait_and_claim", "q", wait_s=0.01, **options)
        else:
            done = self.some_receipts(picks)
            counted = {"greet": len(done)} if done else {}
            claim = self.both("acknowledge_and_claim", "q", done, done_max=DONE_MAX, succeeded=counted, **options)
        self.receipts.extend(Receipt(lease.job.id, lease.token) for lease in claim.leases)
        self.receipts.extend(Receipt(broken.id, broken.token) for broken in claim.unreadable)

    @rule(picks=st.lists(st.integers(0, 99), min_size=1, max_size=3))
    def settle_failed(self, picks):
        receipts = self.some_receipts(picks)
        rng = random.Random(1)
        verdicts = [
            after_failure(
                job(int(receipt.id, 16), attempt=1 + pick % 2), TransientError("x"), POLICY, now=self.now, rng=rng
            )
            for receipt, pick in zip(receipts, picks, strict=False)
        ]
        verdicts = [
            verdict._replace(job=verdict.job._replace(due_at=round(verdict.job.due_at, 2))) for verdict in verdicts
        ]
        self.both("settle_failed", "q", receipts, verdicts, now=self.now)

    @rule(picks=st.lists(st.integers(0, 99), min_size=1, max_size=3))
    def give_back(self, picks):
        self.both("give_back", "q", self.some_receipts(picks), now=self.now)

    @rule(picks=st.lists(st.integers(0, 99), min_size=1, max_size=3))
    def renew(self, picks):
        self.both("renew", "q", self.some_receipts(picks), now=self.now, lease_s=10.0)

    @rule(slack_s=st.sampled_from([0.5, -3.0]), stale=st.booleans())
    def reap(self, slack_s, stale):
        before = self.now - slack_s
        lapsed = self.both("lapsed", "q", before=before, limit=2)
        receipts = [Receipt(lease.job.id, "old.1" if stale else lease.token) for lease in lapsed.leases]
        verdicts = [after_lapse(lease, POLICY, now=self.now) for lease in lapsed.leases]
        self.both("settle_failed", "q", receipts, verdicts, now=self.now, lapsed_before=before)

    @rule(stale=st.booleans())
    def admit(self, stale):
        for seen in self.both("due_retries", "q", now=self.now):
            admitted, allowance = ADMISSION.admit(seen.allowance, seen.counted, seen.due, now=self.now)
            if admitted:
                known = seen._replace(stored=b"[0]") if stale else seen
                moved = self.both("admit_retries", "q", known, allowance=allowance, now=self.now, limit=admitted)
                assert moved == (0 if stale else admitted)

    @rule(limit=st.integers(1, 3))
    def promote(self, limit):
        self.both("promote", "q", now=self.now, limit=limit)

    @rule()
    def trim(self):
        self.both("trim", "q", now=self.now, **KEEP)

    @rule(number=NUMBERS)
    def find(self, number):
        view = self.both("find", "q", job(number).id)
        if view and not isinstance(view, str):
            self.views.append(view)

    @rule(pick=st.integers(0, 99))
    def cancel(self, pick):
        if self.views:
            seen = self.views[pick % len(self.views)]
            self.both("cancel", "q", seen, noted(seen.job, ValueError("x"), self.now), now=self.now)

    @rule(start=st.integers(0, 2), number=NUMBERS)
    def redrive(self, start, number):
        dead = self.both("dead", "q", start=start, limit=2)
        jobs = [redriven(each.job, died_at=each.died_at, now=self.now) for each in dead]
        self.both("redrive", "q", [*jobs, job(number)][:2], now=self.now)

    @rule(number=NUMBERS, raw=st.sampled_from([b"", b"rubbish", b"[1]\n{}"]))
    def plant(self, number, raw):
        if job(number).id in self.run(self.model.where())["records"]:
            for engine in (self.model, self.real):
                self.run(engine.plant(job(number).id, raw))

    @invariant()
    def both_hold_the_same_and_nothing_is_lost(self):
        assert self.run(self.model.where()) == self.where
        check_nothing_is_lost(self.where)
        self.both("stats", "q", now=self.now)

    def teardown(self):
        for client in self.clients:
            self.run(client.aclose())
        self.loop.close()


def run(machine, examples, steps):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # a failing history is printed as it is: making it short takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_few_random_histories_agree_with_the_model():
    """Whatever moves are made, a job is in exactly one structure, and the structures agree with the model's.

    Did: made random sequences of moves on the scripts and on the store in memory, and compared all after each.
    Saw: the same replies, and every id in the same single place, after every move.
    Otherwise: the shortest sequence that makes them differ would be printed.
    """
    run(Histories, 25, 25)


def test_every_declared_move_is_made_by_its_script():
    """The declared moves are those of the scripts: each is made, and what else happens would be found out.

    Did: led eight jobs through their lives on the scripts, and compared each change of state with the declaration.
    Saw: every declared move, made by the script that is declared for it.
    Otherwise: the page on the life of a job would show a move that is not there, or lack one that is.
    """
    it = Histories()
    it.submit(list(range(6)), 0.0, keyed=False)
    it.submit([6, 7], 3.0, keyed=False)
    it.find(6), it.cancel(0)
    it.time_passes(5.0), it.promote(3)
    it.find(7), it.cancel(1)
    it.acknowledge_and_claim([], 4, waits=False)
    it.acknowledge_and_claim([], 2, waits=False)
    it.settle_failed([0]), it.settle_failed([1]), it.give_back([2])
    it.time_passes(5.0), it.admit(stale=False)
    it.acknowledge_and_claim([3, 4, 5], 3, waits=False)
    options = {"wanted": 0, "token": "w.9", "now": it.now, "lease_s": 1.0, "done_max": 1, "succeeded": {}}
    it.both("acknowledge_and_claim", "q", it.some_receipts([6, 7]), **options)
    for _ in range(2):
        it.time_passes(12.0), it.reap(0.5, stale=False)
        it.promote(3), it.acknowledge_and_claim([], 4, waits=False)
    it.redrive(0, 0)
    for _ in range(9):
        it.time_passes(12.0), it.trim()
    declared = {(move.script, move.source, move.target) for move in MOVES}
    missing = declared - it.seen
    it.teardown()
    assert not missing


@pytest.mark.long
def test_many_random_histories_on_a_real_server_agree_with_the_model(valkey):
    class OnValkey(Histories):
        def connect(self):
            with redis.Redis.from_url(valkey.url) as wipe:
                wipe.flushall()
            return redis.asyncio.Redis.from_url(valkey.url), redis.asyncio.Redis.from_url(valkey.url)

    run(OnValkey, max(20, int(1000 * float(os.environ.get("LONG_SCALE", "1")))), 60)


def test_a_store_that_forgets_the_token_is_found_out():
    class Forgetful(RedisJobStore):
        async def renew(self, queue, receipts, *, now, lease_s):
            await super().renew(queue, receipts, now=now, lease_s=lease_s)
            return []

    class Broken(Histories):
        def __init__(self):
            super().__init__()
            self.real.store = Forgetful(self.clients[0])
            self.submit([1], 0.0, keyed=False)
            self.acknowledge_and_claim([], 1, waits=False)
            self.give_back([0])  # so every history begins with a receipt that has lost its lease

    with pytest.raises(AssertionError, match="renew answers differently"):
        run(Broken, 200, 25)
