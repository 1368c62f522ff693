"""A backup of the embedded Valkey: its append-only file, rewritten to be compact, as one archive."""

import asyncio
import tarfile
from pathlib import Path

from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_scripts import Client
from jobqueue.domain.errors import StoreRefused, StoreUnavailable

FOLDER = "appendonlydir"
MANIFEST = "appendonly.aof.manifest"
ATTEMPTS = 10


async def back_up(client: Client, data_folder: Path, target: Path) -> int:
    """Write an archive that restores the jobs of this moment, and return its size in bytes.

    To restore, unpack the archive into an empty data folder and start the service on that folder. Jobs that were
    running, or have been done since, may run again: at-least-once delivery allows that.

    Args:
        client: Connected to the server whose data is in the folder.
        data_folder: The folder of the embedded server.
        target: The archive, an uncompressed tar file. It is written completely or not at all.
    """
    with translated:
        await client.bgrewriteaof()
        while (await client.info("persistence"))["aof_rewrite_in_progress"]:  # noqa: ASYNC110 - it says it when asked
            await asyncio.sleep(0.05)
    return await asyncio.to_thread(_archive, data_folder, target)


def _archive(data_folder: Path, target: Path) -> int:
    source = data_folder / FOLDER
    if not source.is_dir():
        raise StoreRefused(f"no append-only file in {data_folder}; back up a server of your own with its own tools")
    part = target.with_name(target.name + ".part")
    for _ in range(ATTEMPTS):
        manifest = source / MANIFEST
        before = manifest.read_bytes()
        try:
            with tarfile.open(part, "w") as archive:
                for path in (manifest, *_files(source, before.decode())):
                    archive.add(path, f"{FOLDER}/{path.name}")
        except FileNotFoundError:
            continue  # the server has begun a rewrite of its own, and removed what the manifest named
        if manifest.read_bytes() == before:
            part.replace(target)
            return target.stat().st_size
    part.unlink(missing_ok=True)
    raise StoreUnavailable(f"the server rewrote its append-only file {ATTEMPTS} times during the backup; try again")


def _files(source: Path, manifest: str) -> list[Path]:
    """Return what the manifest's lines name, `file <name> seq <number> type <letter>`, but for what is history."""
    entries = [line.split() for line in manifest.splitlines()]
    return [source / entry[1] for entry in entries if entry[5] != "h"]
