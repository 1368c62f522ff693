"""What an exercise's tests are written with. Reading this is enough to write one.

    import pytest
    from exercises.backoff.backoff import ceiling_s          # the learner's file, by its plain name
    from exercises.backoff.given import Operation            # what the tests of several steps share
    from grading import explain, fail, for_seeds

    pytestmark = pytest.mark.step(1, "cap the delay")        # README heading `## 1. Cap the delay`

    def test_third_attempt_waits_four_times_the_base():
        '''The third attempt waits four times the base.'''
        got = ceiling_s(3, base_s=0.1, cap_s=10)
        assert got == 0.4, explain(
            called="ceiling_s(3, base_s=0.1, cap_s=10)", got=got, expected=0.4,
            costs="retries come twice as fast as planned" if got < 0.4 else None,
        )

**Steps.** Each step has a test file, `test_1_cap_the_delay.py`, and its `pytestmark` names the step. A stretch step is
`pytest.mark.step(6, "title", stretch=True)`, with the README heading `## Stretch 6. Title`. Titles are lower case and
short. A long step may have two files with the same mark. What several steps share is in `given.py`. Mark tests that
start threads `@pytest.mark.threads`: they are "run locally" in the page. A stub raises `NotImplementedError("step 2:
…")`; that is reported as "not started", never as wrong. Give every test a docstring: its first paragraph says what must
hold. It is shown as the rule when the code raises an exception that no assertion caught, or never ends (a run that
deadlocks or polls for ever is ended from outside the test). The tests that teach come first in a file, one for each
rule; corner cases stand below a line. The first failing test of a step is the one that the learner sees.

**Messages.** `explain(called=, got=, expected=)` builds an assertion's message, `fail(called=, …)` raises it. Give
`got` and `expected` in one form: two dicts or lists get a line of difference, and an object may have a method
`difference(expected)`. `costs=` is for what this check has seen, so compute it from `got`; `note=` for what the code
did not do. In `called`, write calls with parentheses, `spend()`: the message names that function and its line.
`checks.py` has the calls that must answer (`ask`, `answer_of`) or refuse (`must_refuse`, `refused`).

**Async.** `async def test_…` runs on a virtual clock (`clock.py`): sleeping costs nothing, and `time.time()` (which
starts at `EPOCH_S`), `time.monotonic()` and `asyncio.get_running_loop().time()` (from 0) agree; `time.sleep` is
refused. A deadlock fails at once; a test that passes 1 virtual hour, 200,000 turns of the loop or 10 real seconds
fails with the learner's line, and with the test's line as what was called, unless `with calling("drain(pool)"):` around
it names the call. `await settle()` lets everything that can run do so at the same instant; `await
within(virtual_s, awaitable)` sets a limit. Tasks that are left at the end are cancelled.

**Redis.** Fixtures `redis` (a connected `redis.asyncio.Redis`, answers are bytes) and `network` (`network.redis` is
that same client); `network.py` says more:

    other = await network.client("other")        # a second process on the same server
    raw = network.raw()                          # no latency, no faults: arrange and assert with it
    network.latency(max_s=0.01)                  # default 0.002 virtual seconds
    network.fail_at(3, client="redis", effect="reply_lost")    # or "never_arrived", "delivered_late"; points from 1
    await network.call("w1", take(other))        # as `await take(other)`, and the trace shows what came back
    network.cancel_at(2, task=some_task)         # a crash: the task is cancelled at the 2nd point from now
    network.heal()                               # forget faults that have not happened
    network.calls, network.seed, network.fired, network.recording
    network.broke                                # "the reply to EXEC was lost; Redis has run it": for a message
    trial = await network.fresh()                # a new, empty server and its network, in the same test

**Traces.** When a test that has a network fails, the report adds what the clients sent last, with the learner's
function and line, the replies, and the fault or the race. Nothing has to be asked for. `network.events.clear()`
begins the trace again, and `happened("handler", "job-1 starts")` from `network.py` adds a line to it.

The client in `redis` is named "redis", and "worker" in a trace. A pipeline's commands are sent one by one (each is a
point), then the replies are waited for (one point). To break a call at every point, each on an empty server, to the
first trial that stays whole:

    for effect in ("never_arrived", "reply_lost", "cancelled"):
        async for trial in network.every_point(effect):
            raw = trial.raw()
            await raw.rpush("ready", "a")
            outcome = await trial.attempt(take(trial.redis))     # .broken, .value, .error
            ...                                                  # assert on raw; trial.point is k

And to let something else happen at every point of a call, such as another worker's move (`network.at_point(k, deed)`
does it at one):

    async for trial in network.every_point(deed=stolen, client="redis"):     # awaits `stolen(trial)` at point k
        await trial.raw().rpush("ready", "a")
        got = await take(trial.redis)                            # trial.fired is 0 in the last trial, else 1

redis-py turns a lost EXEC reply of a watching pipeline into WatchError: `attempt` counts it as broken too. EVAL,
EVALSHA, FCALL and SCRIPT are refused with a sentence. Do not grade blocking reads (BLPOP, BLMOVE, XREAD BLOCK):
fakeredis and Redis differ there.

**Seeds.** `@for_seeds(50)` runs a test, async or not, 50 times, each with a fresh `network`/`redis`/`seed` under
another seed (and on a fresh loop); or, inside one test, `async for network in seeds(50): …` with the fixture `seeds`.
Without either the seed is 1. The failing seed is printed, and `REDRIVE_SEED=<n>` runs only that one.

**Threads.** `from grading.switches import forced_switches`, see there.

Everything here uses the standard library, pytest, redis and fakeredis, and works in the page (Pyodide) as well.
"""

from grading.clock import EPOCH_S, settle, within
from grading.explain import explain, fail
from grading.seeds import for_seeds
from grading.stuck import Stuck, calling

__all__ = ["EPOCH_S", "Stuck", "calling", "explain", "fail", "for_seeds", "settle", "within"]
