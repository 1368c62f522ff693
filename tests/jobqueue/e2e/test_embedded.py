"""The embedded Valkey keeps jobs over restarts, and its backup brings them back."""

import asyncio
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from jobqueue.adapters.aof_backup import back_up
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

SAFE = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # not in every 3.11
JOBQUEUE = Path(sys.executable).with_name("jobqueue")

pytestmark = pytest.mark.against("process", "gRPC", "Valkey")


async def submitted(running, count):
    await running.logged("listening")
    async with running.client() as stub:
        request = pb.SubmitBatchRequest(jobs=[pb.NewJob(type="echo") for _ in range(count)])
        return [result.id for result in (await stub.SubmitBatch(request)).results]


async def states(running, ids):
    await running.logged("listening")
    async with running.client() as stub:
        return [(await stub.Get(pb.GetRequest(id=job_id))).state for job_id in ids]


def test_a_submitted_job_survives_a_restart_of_the_embedded_server(folder, service):
    """What was acknowledged to the submitter is on disk.

    Did: submitted jobs to a service without a worker, stopped it and its Valkey, started both again.
    Saw: every job is ready.
    Otherwise: the queue would be empty, as it is without the append-only file.
    """
    with service(folder, "serve", "--no-worker") as running:
        ids = asyncio.run(submitted(running, 50))
    with service(folder, "serve", "--no-worker") as running:
        assert asyncio.run(states(running, ids)) == [pb.STATE_READY] * 50


def test_a_backup_taken_while_running_restores_the_jobs(folder, service, tmp_path):
    with service(folder, "serve", "--no-worker") as running:
        ids = asyncio.run(submitted(running, 50))
        command = [JOBQUEUE, "backup", tmp_path / "jobs.tar"]
        done = subprocess.run(
            command, env={"JOBQUEUE_DATA_DIR": str(folder / "data")}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        asyncio.run(submitted(running, 5))

    restored = folder / "again"
    restored.mkdir()
    with tarfile.open(tmp_path / "jobs.tar") as archive:
        archive.extractall(restored / "data", **SAFE)
    with service(restored, "serve", "--no-worker") as running:
        assert asyncio.run(states(running, ids)) == [pb.STATE_READY] * 50


def test_a_backup_never_overwrites(tmp_path):
    (tmp_path / "jobs.tar").write_text("another backup")
    done = subprocess.run([JOBQUEUE, "backup", tmp_path / "jobs.tar"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert (tmp_path / "jobs.tar").read_text() == "another backup"


class AtRest:
    """A server with nothing to rewrite."""

    async def bgrewriteaof(self):
        pass

    async def info(self, _section):
        return {"aof_rewrite_in_progress": 0}


def test_a_backup_leaves_out_what_the_server_is_about_to_remove(tmp_path):
    """A rewrite leaves history files in the manifest until they are removed; they may be gone at any moment."""
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    for name in ("appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof"):
        (folder / name).write_text(name)
    (folder / "appendonly.aof.manifest").write_text(
        "file appendonly.aof.2.base.rdb seq 2 type b\n"
        "file appendonly.aof.1.incr.aof seq 1 type h\n"
        "file appendonly.aof.2.incr.aof seq 2 type i\n"
    )
    asyncio.run(back_up(AtRest(), tmp_path, tmp_path / "jobs.tar"))
    with tarfile.open(tmp_path / "jobs.tar") as archive:
        assert [Path(name).name for name in archive.getnames()] == [
            "appendonly.aof.manifest",
            "appendonly.aof.2.base.rdb",
            "appendonly.aof.2.incr.aof",
        ]
