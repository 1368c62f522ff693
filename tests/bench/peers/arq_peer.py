"""arq, with the poll delay cut from half a second to 10 ms."""

import asyncio
import time

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker
from command import parse, report
from tally import Tally

args = parse()
settings = RedisSettings.from_dsn(args.url)
tally = Tally(args.tally) if args.tally else None


async def noop(ctx: dict) -> None:
    tally.start()
    tally.end()


async def sleep5(ctx: dict) -> None:
    tally.start()
    await asyncio.sleep(0.005)
    tally.end()


async def stamp(ctx: dict, at_ns: int) -> None:
    tally.start(at_ns)
    tally.end()


async def enqueue() -> None:
    pool = await create_pool(settings)
    if args.way == "one":
        for _ in range(args.n):
            await pool.enqueue_job(args.kind)
    else:

        async def caller() -> None:
            for _ in range(args.n // 100):
                await pool.enqueue_job(args.kind)

        await asyncio.gather(*(caller() for _ in range(100)))


async def pace() -> None:
    pool = await create_pool(settings)
    begun = time.perf_counter()
    for i in range(args.n):
        await asyncio.sleep(max(0, begun + i / 100 - time.perf_counter()))
        await pool.enqueue_job("stamp", time.time_ns())


async def work() -> None:
    worker = Worker(
        [noop, sleep5, stamp],
        redis_settings=settings,
        max_jobs=args.concurrency,
        poll_delay=0.01,
        keep_result=0,
        log_results=False,
        handle_signals=False,
    )
    await worker.async_run()


if args.act == "worker":
    uvloop.run(work())
elif args.act == "pace":
    uvloop.run(pace())
else:
    report(args.n, lambda: uvloop.run(enqueue()))
