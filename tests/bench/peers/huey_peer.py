"""huey: a synchronous client and a pop; a job taken by a worker that dies is gone."""

import time

from command import paced, parse, report
from huey import RedisHuey
from tally import Tally

args = parse()
huey = RedisHuey("bench", results=False, url=args.url)
tally = Tally(args.tally) if args.tally else None


@huey.task()
def noop():
    tally.start()
    tally.end()


@huey.task()
def sleep5():
    tally.start()
    time.sleep(0.005)
    tally.end()


@huey.task()
def stamp(at_ns):
    tally.start(at_ns)
    tally.end()


def main() -> None:
    if args.act == "worker":
        huey.create_consumer(workers=args.concurrency, worker_type="thread", periodic=False).run()
    elif args.act == "pace":
        paced(args.n, lambda: stamp(time.time_ns()))
    else:
        task = {"noop": noop, "sleep5": sleep5}[args.kind]
        report(args.n, lambda: [task() for _ in range(args.n)] and None)


main()
