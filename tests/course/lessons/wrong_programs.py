"""Wrong solutions as modules, for tests that show what a mistake does."""

import linecache
import sys
from pathlib import Path
from types import ModuleType

from grading.splice import SpliceError, splice_file
from journal.course.declared import reference_of

ROOT = Path(__file__).resolve().parents[3]


def wrong(path, reference=None):
    """Return the program that the fragment at `path` stands for.

    Give the path from the root: a proof is stale as soon as a file that its test names has changed. `reference` is the
    program that the fragment changes; by default the solution of its exercise.
    """
    fragment = ROOT / path
    changed = ROOT / reference if reference else reference_of(fragment)
    try:
        text = splice_file(fragment, changed)
    except SpliceError:
        # The mutation of a proof has laid this very fragment over the solution.
        text = changed.read_text(encoding="utf-8")
    module = ModuleType(path.removesuffix(".py").replace("/", "."))
    module.__file__ = f"<{path}>"
    linecache.cache[module.__file__] = (len(text), None, text.splitlines(keepends=True), module.__file__)
    sys.modules[module.__name__] = module  # dataclasses look there
    exec(compile(text, module.__file__, "exec"), vars(module))
    return module
