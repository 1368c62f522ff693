"""Run pytest in forks of one process that has imported it already: a third of a run's time is its start.

Run as a script in the folder of an overlay, not imported: it must hold nothing of the journal, because an exercise does
not. Reads a JSON object a line (`slug`, `text`, `environment`, `arguments`, `limit_s`) and answers each with one
(`returncode`, `output`; `returncode` is null when the run took too long and was ended).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = Path.cwd()


def _import_what_every_run_imports() -> None:
    sys.path[:1] = [str(FOLDER), str(FOLDER / "src")]
    from grading import spared  # noqa: PLC0415 - that of the overlay

    with spared.without_hidden_packages():
        from grading import plugin, switches  # noqa: F401, PLC0415


def _in_the_fork(order: dict[str, Any], output: int) -> int:
    import pytest  # noqa: PLC0415 - it is imported by now

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(order["environment"])
    sys.argv = ["pytest"]  # grading.spared looks whether the process is there to grade
    returncode = int(pytest.main([f"exercises/{order['slug']}", "-p", "no:cacheprovider", *order["arguments"]]))
    sys.stdout.flush()
    sys.stderr.flush()
    return returncode


def _run(order: dict[str, Any]) -> dict[str, Any]:
    slug = order["slug"]
    home = FOLDER / "exercises" / slug
    (home / f"{slug}.py").write_text(order["text"], encoding="utf-8")
    for compiled in home.glob(f"__pycache__/{slug}.*.pyc"):
        compiled.unlink()  # a file of the same size, written in the same second, would pass for it
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            returncode = 70
            try:
                returncode = _in_the_fork(order, output.fileno())
            finally:
                os._exit(returncode)
        ended_at = time.monotonic() + order["limit_s"]
        status: int | None = None
        while status is None:
            pid, code = os.waitpid(child, os.WNOHANG)
            if pid:
                status = os.waitstatus_to_exitcode(code)
            elif time.monotonic() > ended_at:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                break
            else:
                time.sleep(0.003)
        output.seek(0)
        return {"returncode": status, "output": output.read().decode("utf-8", errors="replace")}


if __name__ == "__main__":
    _import_what_every_run_imports()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_run(json.loads(line))) + "\n")
        sys.stdout.flush()
