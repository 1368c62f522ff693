"""A deployment in containers, from 0.5.0 to this version, under a steady rate of submits, and what may befall it."""

import asyncio
import shutil
import time

import pytest

from jobqueue.adapters.redis_keys import queue_keys
from tests.jobqueue.containers import wheels
from tests.jobqueue.containers.caller import Caller
from tests.jobqueue.containers.deployment import Deployment

CONTAINERFILE = wheels.ROOT / "src" / "jobqueue" / "deploy" / "Containerfile"
FRONTS, WORKERS = 2, 3
JOBS_PER_S = 50
SETTLE_LIMIT_S = 90


@pytest.fixture(scope="module")
def images(engine, tmp_path_factory):
    """Build an image of each version without a network, and return their tags."""
    tags = {}
    for name in ("old", "new"):
        context = tmp_path_factory.mktemp(name)
        shutil.copytree(wheels.dependencies(), context / "dist")
        if name == "old":
            wheels.build_old(context / "dist", tmp_path_factory.mktemp("source"))
        else:
            wheels.build_new(context / "dist")
        tags[name] = f"localhost/jobqueue:{name}"
        arguments = {"BASE": "localhost/base", "PIP_NO_INDEX": "1", "EXTRAS": "embedded,uvloop"}
        engine.build(context, CONTAINERFILE, tags[name], **arguments)
    return tags


@pytest.fixture
def deployment(engine, images, tmp_path):
    """A deployment whose store has a data folder that the image's user may write."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    started = Deployment(engine, images, folder, FRONTS)
    yield started
    started.store.close()


async def settle(deployment, ids):
    """Wait until every job has been run and none is waiting or running."""
    keys = queue_keys("default")
    give_up_at = time.monotonic() + SETTLE_LIMIT_S
    while True:
        pipe = deployment.store.pipeline()
        pipe.llen(keys.ready)
        for name in (keys.scheduled, keys.retries, keys.leases):
            pipe.zcard(name)
        waiting = pipe.execute()
        if not any(waiting):
            break
        assert time.monotonic() < give_up_at, f"not settled in {SETTLE_LIMIT_S} s: {waiting}"
        await asyncio.sleep(0.2)
    runs = {job_id.decode() for job_id in deployment.store.hkeys("noted")}
    lost = set(ids) - runs
    assert not lost, f"{len(lost)} of {len(ids)} jobs were never run: {sorted(lost)[:3]}"


@pytest.mark.long
@pytest.mark.alone
def test_a_rolling_upgrade_loses_no_job_and_shows_callers_no_error(deployment, scaled):
    """An upgrade from 0.5.0 needs no maintenance window.

    Did: ran two fronts, three workers and a Valkey as containers; replaced each front and worker of 0.5.0 by one of
        this version under 50 submits a second; then killed a worker, restarted Valkey, and stopped everything.
    Saw: no call failed during the upgrade; each container ended with status 0 within its grace; every job that a
        front had acknowledged was run.
    Otherwise: callers would see UNAVAILABLE at each deployment, or a job would be lost in one.
    """
    asyncio.run(upgrade(deployment, pause_s=scaled(10, least=1)))


async def upgrade(deployment, pause_s):
    """Upgrade the deployment under load, hurt it, and check what became of each job."""
    deployment.start_valkey()
    fronts = {address: deployment.start_front("old", address) for address in deployment.addresses}
    workers = [deployment.start_worker("old") for _ in range(WORKERS)]
    async with Caller(deployment.addresses, JOBS_PER_S) as caller:

        async def later(function, *args):
            """Do something to the deployment while submits go on, and let them go on for a while afterwards."""
            result = await asyncio.to_thread(function, *args)
            await asyncio.sleep(pause_s)
            return result

        await asyncio.sleep(pause_s)
        for number, worker in enumerate(workers):
            await later(deployment.stop, worker)
            workers[number] = await later(deployment.start_worker, "new")
        for address in list(fronts):
            await later(deployment.stop, fronts[address])
            fronts[address] = await later(deployment.start_front, "new", address)
        in_the_upgrade = len(caller.ids)
        assert caller.errors == []

        await later(deployment.kill, workers.pop())
        workers.append(await later(deployment.start_worker, "new"))
        await later(deployment.restart_valkey)
    print(f"{len(caller.ids)} jobs, {in_the_upgrade} of them during the upgrade; errors later: {caller.errors}")
    await settle(deployment, caller.ids)
    for name in (*fronts.values(), *workers):
        await asyncio.to_thread(deployment.stop, name)
