"""Pictures and figures for pages, drawn before the build: `build/figures/NAME.json`, one file each.

There are two sources. A file `docs/pictures/NAME.dot` is drawn by Graphviz, in its WebAssembly build: nothing has to be
installed. What is computed or plotted, the course draws itself, in `solutions/simulations/`: pyproject.toml names the
command, which gets the folder as its last argument:

    [tool.journal.commands]
    figures = "python -m solutions.simulations.plots"

Each JSON file holds `name`, `title`, `words` and `svg`; a figure that a reader can change also holds `controls`,
`frames`, `guess` and `chosen`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from journal.content.library import library
from journal.content.problems import ContentError, Problem
from journal.review.history.lock import exclusive
from journal.site.node import WEB, find_node, packages

FOLDER = Path("build") / "figures"
PICTURES = Path("docs") / "pictures"
_SOURCES = ("solutions/simulations/**/*.py", f"{PICTURES.as_posix()}/*.dot")
_STAMP = ".sha256"


def drawn(root: Path) -> Path:
    """Return the folder with every picture, drawing again when a source has changed.

    Raises:
        ContentError: a picture could not be drawn; the problem names the file, or says what the command said.
        NodeError: Graphviz' package could not be had.
    """
    target = root / FOLDER
    command = library(root).settings.commands.get("figures", "")
    wanted = _fingerprint(root, command)
    target.parent.mkdir(exist_ok=True)
    with exclusive(target.with_name("figures.lock")):
        stamp = target / _STAMP
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return target
        fresh = target.with_name("figures.building")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        if command:
            _run(root, command, fresh)
        _draw_graphs(root, fresh)
        (fresh / _STAMP).write_text(wanted, encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        fresh.replace(target)
    return target


def read_figure(root: Path, name: str) -> dict[str, Any]:
    """Return the figure `name`.

    Raises:
        FileNotFoundError: no figure has that name; the message lists those there are.
    """
    folder = drawn(root)
    path = folder / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.json"))) or "none"
        raise FileNotFoundError(f"there is no figure {name!r}; there are: {known}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _fingerprint(root: Path, command: str) -> str:
    digest = hashlib.sha256(command.encode() + Path(__file__).read_bytes())
    digest.update((WEB / "graphs.mjs").read_bytes())
    for pattern in _SOURCES:
        for path in sorted(root.glob(pattern)):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _run(root: Path, command: str, folder: Path) -> None:
    program, *words = shlex.split(command)
    program = sys.executable if program == "python" else program
    done = subprocess.run(
        [program, *words, str(folder)], cwd=root, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ContentError([Problem("pyproject.toml", 0, f"`{command}` failed: {said}")])


# What every graph shares: the page's font and colours come from the style sheet.
_PREAMBLE = (
    'graph [bgcolor=transparent fontname="Helvetica" fontsize=11 pad=0.05 nodesep=0.3 ranksep=0.35]; '
    'node [fontname="Helvetica" fontsize=11 shape=box style=rounded height=0.35 margin="0.12,0.06"]; '
    'edge [fontname="Helvetica" fontsize=9.5 arrowsize=0.7];'
)


def _draw_graphs(root: Path, folder: Path) -> None:
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted((root / PICTURES).glob("*.dot"))}
    if not sources:
        return
    problems: list[Problem] = []
    heads = {name: head(name, text, problems) for name, text in sources.items()}
    graphs = {name: text.replace("{", "{" + _PREAMBLE, 1) for name, text in sources.items()}
    packages()
    done = find_node().run("node", "graphs.mjs", folder=WEB, given=json.dumps(graphs))
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ContentError([Problem(PICTURES.as_posix(), 0, f"Graphviz could not be run: {said}")])
    answers: dict[str, dict[str, str]] = json.loads(done.stdout)
    for name, answer in answers.items():
        if "error" in answer:
            problems.append(Problem(f"{PICTURES.as_posix()}/{name}.dot", 0, f"Graphviz refuses it: {answer['error']}"))
            continue
        picture = {"name": name, **heads[name], "svg": adapted(answer["svg"], name)}
        (folder / f"{name}.json").write_text(json.dumps(picture, ensure_ascii=False) + "\n", encoding="utf-8")
    if problems:
        raise ContentError(problems)


def head(name: str, text: str, problems: list[Problem]) -> dict[str, str]:
    """Read the comments at the head of a graph: `// title: …`, and `// words: …`, which further lines continue."""
    found: dict[str, str] = {}
    key = ""
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        if match := re.match(r"// (title|words): (.*)", line):
            key = match[1]
            found[key] = match[2]
        elif key:
            found[key] += " " + line.removeprefix("//").strip()
    for wanted in ("title", "words"):
        if not found.get(wanted):
            problems.append(
                Problem(f"{PICTURES.as_posix()}/{name}.dot", 1, f"it has no line `// {wanted}: …`; readers who don't "
                        "see the picture need it")
            )  # fmt: skip
            found[wanted] = ""
    return found


def adapted(svg: str, name: str) -> str:
    """Return Graphviz' SVG for a page: no size, comments or tooltips, ids of its own, and the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<title>.*?</title>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'^<svg width="[^"]*" height="[^"]*"', "<svg", svg)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r' id="([^"]*)"', rf' id="{name}-\1"', svg)
    svg = re.sub(r' font-family="[^"]*"', "", svg)
    svg = svg.replace('stroke="black"', 'stroke="var(--rd-soft, currentColor)"')
    svg = svg.replace('fill="black"', 'fill="var(--rd-soft, currentColor)"')
    svg = re.sub(r"<text\b", '<text fill="var(--rd-ink, currentColor)"', svg)
    return re.sub(r"\s*\n\s*", " ", svg).strip()
