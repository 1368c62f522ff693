"""The content built by another builder than MkDocs, from the pinned version of Zensical."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from journal.site.dead_links import dead_links
from journal.site.other_builder import prepare

ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements-zensical.txt"


@pytest.fixture(scope="module")
def zensical(tmp_path_factory):
    """What Python needs to find Zensical, which is installed beside the site's libraries and not among them."""
    folder = tmp_path_factory.mktemp("zensical")
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [sys.executable, *command, "--target", folder, "-r", LOCK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"Zensical could not be installed:\n{done.stderr[-2000:]}"
    return {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_another_builder_makes_every_page_and_no_link_is_dead(zensical):
    """Nothing in the content hangs on a hook or a plugin of MkDocs, notebooks' pages aside.

    Did: put docs/ and what is made before a build into one folder, and had Zensical build it, which knows no hook.
    Saw: every page with its cards, proofs and figures, no fence at fault, and no dead link or anchor.
    Otherwise: pages would hold fences at fault, and lead to pages that a hook would have made.
    """
    folder = ROOT / "build" / "zensical"
    shutil.rmtree(folder, ignore_errors=True)
    config, problems = prepare(ROOT, folder)
    assert problems == []
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "-f", config],
        cwd=ROOT,
        env=zensical,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    site = folder / "site"
    sources = {path.relative_to(folder / "docs").as_posix() for path in (folder / "docs").rglob("*.md")}
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    wanted = {re.sub(r"(?:(?<=/)|^)index/index", "index", f"{name.removesuffix('.md')}/index.html") for name in sources}
    assert wanted <= set(pages), sorted(wanted - set(pages))
    # An element, and not these very words: the pages show this test, too.
    faulty = re.compile(r'<\w+ class="(?:rd-fault|rd-proof rd-proof--missing)"')
    assert [name for name, text in pages.items() if faulty.search(text)] == []
    assert 'data-proof="tests/' in pages["journal/month-05/week-04/index.html"]
    assert pages["due/index.html"].count('class="rd-card"') > 100
    assert [str(problem) for problem in dead_links(site)] == []
