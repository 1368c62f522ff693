"""The virtual clock: time jumps, what never ends is ended with its line, and nothing is left behind."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from grading import clock, describe, limits
from grading.stuck import Stuck, calling

HERE = (__file__,)


def run(main):
    return clock.run(main, HERE)


def line_of(text):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line and "line_of" not in line)


def test_an_hour_of_sleep_takes_no_real_time_and_every_clock_agrees():
    async def main():
        started = time.time(), time.monotonic(), asyncio.get_running_loop().time()
        await asyncio.sleep(3000)
        return [
            now - then
            for now, then in zip(
                (time.time(), time.monotonic(), asyncio.get_running_loop().time()), started, strict=True
            )
        ]

    before = time.perf_counter()
    assert run(main) == pytest.approx([3000, 3000, 3000])
    assert time.perf_counter() - before < 5
    assert abs(time.time() - clock.EPOCH_S) > 1000, "the real clock was not put back"


def test_timers_fire_in_order_of_their_time():
    async def main():
        seen = []

        async def note(delay_s):
            await asyncio.sleep(delay_s)
            seen.append(delay_s)

        await asyncio.gather(*(note(delay_s) for delay_s in (30, 10, 20, 0)))
        return seen

    assert run(main) == [0, 10, 20, 30]


def test_deadlock_fails_at_once_with_the_line():
    async def main():
        await asyncio.Queue().get()  # nobody puts

    with pytest.raises(Stuck) as caught:
        run(main)
    assert "deadlock" in caught.value.fact
    assert caught.value.where[1] == line_of("# nobody puts")


def test_deadlock_names_the_error_of_the_task_that_had_died():
    async def main():
        async def worker():
            raise ValueError("the job was bad")

        task = asyncio.create_task(worker())
        queue = asyncio.Queue()
        queue.put_nowait("job")
        await queue.join()
        return task

    with pytest.raises(Stuck) as caught:
        run(main)
    assert [str(cause) for cause in caught.value.causes] == ["the job was bad"]


def test_deadlock_names_the_call_that_the_test_named():
    async def main():
        with calling("take('w1')"):
            await asyncio.Event().wait()

    with pytest.raises(Stuck) as caught:
        run(main)
    place = describe.Place("toy", Path(__file__).parent)
    assert describe.describe(caught.value, place, "an end").message.startswith("called    take('w1')\ngot ")
    assert Stuck("later").called is None


def test_polling_for_ever_ends_after_an_hour_of_virtual_time():
    async def main():
        while True:
            await asyncio.sleep(0.1)  # polls

    with pytest.raises(Stuck) as caught:
        run(main)
    assert "1 hour of virtual time" in caught.value.fact
    assert caught.value.where[1] == line_of("# polls")


def test_spinning_for_ever_ends_after_200_000_turns():
    async def main():
        while True:
            await asyncio.sleep(0)  # spins

    with pytest.raises(Stuck) as caught:
        run(main)
    assert "200,000" in caught.value.fact
    assert caught.value.where[1] == line_of("# spins")


@pytest.mark.parametrize(
    "swallow", [(), (Exception,), (BaseException,)], ids=["plain", "except-Exception", "bare-except"]
)
def test_endless_loop_that_never_awaits_is_ended_in_real_time(monkeypatch, swallow):
    monkeypatch.setattr(clock, "MAX_REAL_S", 0.2)

    def endless():
        number = 0
        while True:
            try:
                for _ in range(1000):
                    number += 1
            except swallow:
                if number < 0:
                    break
                raise

    async def main():
        endless()

    with pytest.raises(Stuck) as caught, limits.real_time_limit(HERE):
        run(main)
    assert "endless loop" in caught.value.fact


def test_endless_loop_in_a_task_that_nobody_awaits_is_ended():
    async def main():
        async def endless():
            while True:
                await asyncio.sleep(0)

        task = asyncio.create_task(endless())
        await asyncio.sleep(1)
        return task

    with pytest.raises(Stuck):
        run(main)


def test_task_that_swallows_cancellation_cannot_keep_a_test_from_ending():
    async def main():
        async def stubborn():
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(1)

        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0.5)
        return "done", task

    assert run(main)[0] == "done"


def test_time_sleep_in_async_code_is_refused():
    async def main():
        time.sleep(1)

    with pytest.raises(clock.BlockingCallError, match=r"await asyncio\.sleep"):
        run(main)


def test_work_for_an_executor_runs_at_once():
    async def main():
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, sum, [1, 2]), await asyncio.to_thread(max, 3, 4)

    assert run(main) == (3, 4)


def test_forgotten_await_is_noted():
    async def main():
        asyncio.sleep(1)

    run(main)
    assert clock.missing_awaits == ["coroutine 'sleep' was never awaited"]


def test_loop_that_is_marked_as_running_is_set_aside():
    outer = asyncio.new_event_loop()

    async def inside():
        async def main():
            await asyncio.sleep(1)
            return "ran"

        result = run(main)
        assert asyncio.get_running_loop() is outer
        return result

    try:
        assert outer.run_until_complete(inside()) == "ran"
    finally:
        outer.close()


def test_the_loop_replaces_parts_that_this_python_has():
    for name in ("_run_once", "_process_events", "_write_to_self"):
        assert hasattr(asyncio.BaseEventLoop, name), f"BaseEventLoop has no {name} any more; clock.py builds on it"
    assert "_selector" in asyncio.BaseEventLoop._run_once.__code__.co_names
