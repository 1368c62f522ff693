"""Run pytest in forks of one process that has imported it already: starting takes a third of a run's time.

Run as a script in the folder of an overlay, not imported: it takes the engine of the overlay, and nothing of the
journal, because an exercise has none. Requests come on standard input, answers go to standard output (see `forks.py`);
a request names the `arguments` of pytest, further `environment` and the file that takes the `output`, and the answer is
pytest's `returncode`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def _run_pytest(request: dict[str, Any], writer: int) -> int:
    import pytest  # noqa: PLC0415 - it is imported by now

    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    os.environ.update(request["environment"])
    sys.argv = ["pytest"]  # grading.spared looks whether the process is there to grade
    returncode = int(pytest.main(request["arguments"]))
    sys.stdout.flush()
    sys.stderr.flush()
    forks.send(writer, {"returncode": returncode})
    return returncode


if __name__ == "__main__":
    folder = Path.cwd()
    sys.path[:1] = [str(folder), str(folder / "src")]
    from grading import forks, spared

    with spared.without_hidden_packages():
        from grading import plugin, switches  # noqa: F401 - what every run imports

    request, writer = forks.serve(os.dup(0), os.dup(1))
    returncode = 70
    try:
        returncode = _run_pytest(request, writer)
    finally:
        os._exit(returncode)
