"""taskiq with the Redis stream broker: the fastest peer that can deliver again."""

import asyncio
import time

import uvloop
from command import parse, report
from tally import Tally
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

args = parse()
broker = RedisStreamBroker(url=args.url, consumer_id="0")
tally = Tally(args.tally) if args.tally else None


@broker.task
async def noop() -> None:
    tally.start()
    tally.end()


@broker.task
async def sleep5() -> None:
    tally.start()
    await asyncio.sleep(0.005)
    tally.end()


@broker.task
async def stamp(at_ns: int) -> None:
    tally.start(at_ns)
    tally.end()


async def enqueue() -> None:
    task = {"noop": noop, "sleep5": sleep5}[args.kind]
    await broker.startup()
    if args.way == "one":
        for _ in range(args.n):
            await task.kiq()
    else:

        async def caller() -> None:
            for _ in range(args.n // 100):
                await task.kiq()

        await asyncio.gather(*(caller() for _ in range(100)))
    await broker.shutdown()


async def pace() -> None:
    await broker.startup()
    begun = time.perf_counter()
    for i in range(args.n):
        await asyncio.sleep(max(0, begun + i / 100 - time.perf_counter()))
        await stamp.kiq(time.time_ns())
    await broker.shutdown()


async def work() -> None:
    await broker.startup()
    await run_receiver_task(broker, max_async_tasks=args.concurrency)


if args.act == "worker":
    broker.is_worker_process = True
    uvloop.run(work())
elif args.act == "pace":
    uvloop.run(pace())
else:
    report(args.n, lambda: uvloop.run(enqueue()))
