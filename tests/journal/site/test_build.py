"""A build: refused with file and line when the content has a fault, and whole when it has none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from journal.content.problems import ContentError
from journal.site import build as building
from journal.site.build import BuildError, build, build_if_changed, fingerprint
from journal.site.packing import NotOurFolderError, make_zip, publish

DECK = "docs/quizzes/backoff.yml"
LESSON = "docs/lessons/day-137-retries.md"
ADR = "docs/adr/0004-full-jitter.md"
WEEK = "docs/journal/month-05/week-04.md"


def line_of(folder, name, text):
    return next(n for n, line in enumerate(folder.read(name).splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("name", "old", "new", "at", "says"),
    [
        (DECK, "    answer: What is transient.\n", "", "- id: backoff-03", "card 'backoff-03' has no answer"),
        (DECK, "id: backoff-03", "id: backoff-01", "question: What may be", "card id 'backoff-01' is taken at"),
        (ADR, "status: accepted", "status: superseded\nsuperseded_by: 4", "superseded_by", "names the decision itself"),
        (LESSON, "exercise: backoff", "exercise: missing", "exercise: missing", "'missing'"),
        (LESSON, ":ceiling", ":cieling", ":cieling", "includes region 'cieling' of solutions/backoff/backoff.py"),
        (LESSON, "solutions/backoff/backoff.py", "solutions/none.py", "none.py", "includes solutions/none.py, which"),
        (LESSON, "solutions/backoff/backoff.py", "exercises/backoff/backoff.py", "backoff.py:", "which does not exist"),
        (WEEK, "description: The week of the capstone.\n", "", "---", "the page has no description"),
        ("docs/roadmap.md", "# Roadmap", "# Roadmap\n\n| | b |\n| --- | --- |\n| 1 | 2 |", "| | b |", "has no heading"),
        ("docs/index.md", "title: Home", "title: Home: again", "title", "the front matter is no YAML"),
    ],
)
def test_a_fault_in_the_content_stops_the_build_with_file_and_line(journal_site, name, old, new, at, says):
    journal_site.change(name, old, new)
    line = line_of(journal_site, name, at) - ("question: What may" in at)
    with pytest.raises(ContentError) as caught:
        build(journal_site.path, journal_site.path / "build" / "site")
    assert any(
        str(problem).startswith(f"{name}:{line}: ") and says in str(problem) for problem in caught.value.problems
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("docs/quizzes/backoff.md", "topic: backoff", "topic: bakcoff", "the cards fence: there is no deck"),
        ("docs/quizzes/backoff.md", "topic: backoff", "", "the cards fence: it names no deck"),
        ("docs/exercises/backoff.md", "slug: backoff", "slug: none", "the exercise fence: there is no exercises/none/"),
    ],
)
def test_a_fence_that_cannot_be_rendered_stops_the_build_and_says_what_is_wrong(journal_site, name, old, new, says):
    journal_site.change(name, old, new)
    with pytest.raises(BuildError, match=f"{re.escape(name)}: {says}"):
        build(journal_site.path, journal_site.path / "build" / "site")


def test_a_decision_superseded_one_way_only_stops_the_build_with_file_and_line(journal_site):
    old = journal_site.read(ADR)
    journal_site.write("docs/adr/0005-words.md", old.replace("status: accepted", "status: accepted\nsupersedes: 4"))
    line = line_of(journal_site, "docs/adr/0005-words.md", "supersedes")
    with pytest.raises(ContentError) as caught:
        build(journal_site.path, journal_site.path / "build" / "site")
    start = f"docs/adr/0005-words.md:{line}: supersedes names decision 4, but {ADR} "
    assert any(str(problem).startswith(start) for problem in caught.value.problems), str(caught.value)


def test_a_region_whose_end_is_missing_stops_the_build(journal_site):
    journal_site.change("solutions/backoff/backoff.py", "# --8<-- [end:ceiling]\n", "")
    with pytest.raises(ContentError, match=r"has no `--8<-- \[end:ceiling\]`"):
        build(journal_site.path, journal_site.path / "build" / "site")


def test_a_page_may_not_include_the_file_that_a_learner_changes(journal_site):
    journal_site.write("exercises/backoff/backoff.py", journal_site.read("solutions/backoff/backoff.py"))
    journal_site.change(LESSON, "solutions/backoff", "exercises/backoff")
    with pytest.raises(ContentError, match="is the learner's to change; include from solutions/"):
        build(journal_site.path, journal_site.path / "build" / "site")


def test_a_deck_and_an_exercise_without_a_page_stop_the_build(journal_site):
    journal_site.write("docs/quizzes/metrics.yml", journal_site.read(DECK).replace("backoff-", "metrics-"))
    journal_site.write("exercises/metrics/README.md", "# Metrics\n")
    with pytest.raises(ContentError) as caught:
        build(journal_site.path, journal_site.path / "build" / "site")
    said = str(caught.value)
    assert "docs/quizzes/metrics.yml: the deck has no page; add docs/quizzes/metrics.md" in said
    assert "exercises/metrics/README.md: the exercise has no page; add docs/exercises/metrics.md" in said


def test_a_build_is_strict_whole_and_keeps_its_figures(journal_site):
    target = journal_site.path / "build" / "site"
    assert build_if_changed(journal_site.path, target)
    week = (target / "journal/month-05/week-04/index.html").read_text(encoding="utf-8")
    assert "Half of 3/5 is not 1/2. Confidence was 3.3/5." in week
    for page in target.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"[\u2150-\u215f\u00bc-\u00be]", text), f"{page.name} has a fraction"
        assert re.search(r'<meta name="description" content="[^"]+">', text), f"{page} has no description"
        assert "Content-Security-Policy" in text
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), f"{page} has an inline script"
        assert not re.search(r'(?:src|href)="https?://(?!squidfunk)', text), f"{page} names another host"
    assert "ceiling_s" in (target / "lessons/day-137-retries/index.html").read_text(encoding="utf-8")
    assert not list(target.rglob("*.yml"))
    assert not build_if_changed(journal_site.path, target), "nothing changed, and it was built again"


AS_SOMEBODY = ["-c", "user.name=test", "-c", "user.email=test@localhost"]


def test_a_learners_own_file_does_not_make_the_site_stale(journal_site):
    journal_site.write("exercises/backoff/backoff.py", "def ceiling_s(): raise NotImplementedError\n")
    for command in (["init", "-q"], ["add", "."], [*AS_SOMEBODY, "commit", "-qm", "the stub"]):
        subprocess.run(["git", *command], cwd=journal_site.path, check=True)
    before = fingerprint(journal_site.path)
    journal_site.write("exercises/backoff/backoff.py", "def ceiling_s(): ...\n")
    assert fingerprint(journal_site.path) == before
    journal_site.change("docs/index.md", "A small journal.", "A small, changed journal.")
    assert fingerprint(journal_site.path) != before


def test_a_failed_build_leaves_the_site_that_was_there(journal_site, monkeypatch):
    target = journal_site.path / "build" / "site"
    target.mkdir(parents=True)
    (target / "index.html").write_text("before", encoding="utf-8")
    monkeypatch.setattr(building, "problems_of", lambda root: None)
    journal_site.change("docs/index.md", "# Home", "# Home\n\n[gone](gone.md)")
    with pytest.raises(BuildError, match=re.escape("contains a link 'gone.md'")):
        build(journal_site.path, target)
    assert (target / "index.html").read_text(encoding="utf-8") == "before"


def test_mkdocs_alone_refuses_a_missing_region_with_file_and_line(journal_site):
    journal_site.change(LESSON, ":ceiling", ":cieling")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=journal_site.path,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    line = line_of(journal_site, LESSON, ":cieling")
    assert f"{LESSON}:{line}: includes region 'cieling'" in done.stderr


def test_publish_makes_a_folder_and_replaces_only_its_own(journal_site, tmp_path, monkeypatch):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").touch()
    with pytest.raises(NotOurFolderError, match="is not empty and was not made by this command"):
        publish(journal_site.path, theirs)
    assert (theirs / "thesis.txt").exists()

    built = []

    def fake_build(root, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"page-{len(built)}.html").touch()
        built.append(root)

    monkeypatch.setattr("journal.site.packing.build_if_changed", fake_build)
    ours = tmp_path / "below" / "ours"
    beside = tmp_path / "below" / "ours.new"
    beside.mkdir(parents=True)
    publish(journal_site.path, ours)
    (ours / "old.html").touch()
    publish(journal_site.path, ours)
    assert built == [journal_site.path] * 2
    assert {path.name for path in ours.iterdir()} >= {".nojekyll", "page-0.html", "page-1.html"}
    assert not (ours / "old.html").exists()
    assert sorted(ours.parent.iterdir()) == [ours, beside]


def test_the_zip_opens_from_disk_with_a_search_index_in_a_script(journal_site):
    archive = make_zip(journal_site.path)
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        top = names[0].partition("/")[0]
        assert all(name.startswith(f"{top}/") for name in names)
        home = packed.read(f"{top}/index.html").decode()
        script = packed.read(f"{top}/search/search_index.js").decode()
    assert f"{top}/journal/month-05/week-04.html" in names
    assert "Content-Security-Policy" not in home
    assert "file-worker.js" in home
    assert 'href="journal/month-05/week-04.html"' in home
    index = json.loads(script.removeprefix("var __index = ").removesuffix(";\n"))
    assert any("retries" in entry["location"] for entry in index["docs"])
