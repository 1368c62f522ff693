"""The bundling of the pages' scripts: what is found, what comes out, when it is done again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from journal.content.library import library
from journal.content.repository import find_root
from journal.site import web
from journal.site.node import WEB, find_node, packages
from journal.site.web import BundleError, bundled, entries


@pytest.fixture
def project(tmp_path):
    """A journal's folder with scripts of its own and the real packages."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "package-lock.json").write_bytes((WEB / "package-lock.json").read_bytes())
    (folder / "node_modules").symlink_to(packages(), target_is_directory=True)
    (folder / "greeting.js").write_text('export const greeting = "hello";\n', encoding="utf-8")
    (folder / "deep").mkdir()
    (folder / "deep" / "a.entry.js").write_text(
        'import { greeting } from "../greeting.js";\nwindow.said = greeting;\n', encoding="utf-8"
    )
    (folder / "deep" / "b.worker.js").write_text(
        'import { greeting } from "../greeting.js";\nexport const twice = greeting + greeting;\n', encoding="utf-8"
    )
    return tmp_path


def test_entries_become_classic_scripts_and_workers_modules(project):
    out = bundled(project, project / "web") / web.FOLDER
    assert sorted(path.name for path in out.iterdir()) == ["a.js", "b.worker.js"]
    script = (out / "a.js").read_text(encoding="utf-8")
    assert "hello" in script
    assert not re.search(r"\b(import|export)\b", script)
    assert "export{" in (out / "b.worker.js").read_text(encoding="utf-8")


def test_a_second_call_bundles_nothing_and_a_changed_source_all(project, monkeypatch):
    bundled(project, project / "web")
    with monkeypatch.context() as patched:
        patched.setattr(web, "_esbuild", lambda *_: pytest.fail("bundled again"))
        bundled(project, project / "web")
    (project / "web" / "greeting.js").write_text('export const greeting = "good day";\n', encoding="utf-8")
    assert "good day" in (bundled(project, project / "web") / web.FOLDER / "a.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("declared", "name"), [("", "journal"), ('[tool.journal]\nname = "field-notes"\n', "field-notes")]
)
def test_what_a_browser_keeps_is_named_after_the_journal(project, declared, name):
    (project / "pyproject.toml").write_text(declared, encoding="utf-8")
    shutil.copytree(WEB / "history", project / "web" / "history")
    for source in ("events.js", "journal-day.js", "journal-name.js"):
        shutil.copy2(WEB / source, project / "web")
    (project / "web" / "kept.entry.js").write_text(
        """
        import { browserHistory } from "./history/browser.js";
        import { newEvent } from "./events.js";
        browserHistory().add([newEvent("run", { slug: "a", steps: {}, code_sha: "0".repeat(64) }, 1790000000000000)]);
        """,
        encoding="utf-8",
    )
    script = bundled(project, project / "web") / web.FOLDER / "kept.js"
    browser = """
        const kept = new Map();
        globalThis.localStorage = {
          get length() { return kept.size; },
          key: (index) => [...kept.keys()][index],
          getItem: (key) => kept.get(key),
          setItem: (key, value) => kept.set(key, value),
          removeItem: (key) => kept.delete(key),
        };
        globalThis.document = new EventTarget();
    """
    run = f"{browser}\n{script.read_text(encoding='utf-8')}\nconsole.log([...kept.keys()].join());"
    done = find_node().run("node", "--input-type=commonjs", "-", folder=project, given=run)
    assert re.fullmatch(rf"{name}\.event\.[0-9a-f]{{32}}", done.stdout.strip()), done.stdout + done.stderr


def test_this_journals_own_keys_are_those_of_its_first_version():
    name = library(find_root()).settings.name
    assert name == "redrive", "what learners have in their browsers would be out of sight"


def test_two_builds_at_once_do_not_disturb_each_other(project):
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(bundled, project, project / "web") for _ in range(4)]:
            assert (done.result() / web.FOLDER / "a.js").is_file()


def test_a_fault_in_a_script_names_file_and_line_and_leaves_the_last_bundle(project):
    out = bundled(project, project / "web") / web.FOLDER
    (project / "web" / "greeting.js").write_text("\nexport const greeting = ;\n", encoding="utf-8")
    with pytest.raises(BundleError, match=r"greeting\.js:2:\d+"):
        bundled(project, project / "web")
    assert (out / "a.js").is_file()


def test_two_scripts_of_one_name_are_refused(project):
    (project / "web" / "a.entry.js").write_text("", encoding="utf-8")
    with pytest.raises(BundleError, match=r"would both become assets/web/a\.js; rename one"):
        entries(project / "web")


def test_every_package_is_pinned_exactly_and_the_lock_names_no_address():
    declared = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    pinned = {**declared.get("dependencies", {}), **declared.get("devDependencies", {})}
    assert pinned
    assert [name for name, version in pinned.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        assert not name or package["integrity"].startswith("sha512-")


def test_the_scripts_are_type_clean():
    node = find_node()
    compiler = packages(tests=True) / "typescript" / "bin" / "tsc"
    projects = sorted(path for path in WEB.rglob("tsconfig*.json") if "node_modules" not in path.relative_to(WEB).parts)
    assert projects
    for project in projects:
        done = subprocess.run(
            ["node", str(compiler), "--noEmit", "--checkJs", "-p", str(project)],
            env=node.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_every_script_belongs_to_a_type_checked_project():
    node = find_node()
    compiler = packages(tests=True) / "typescript" / "bin" / "tsc"
    checked = set()
    for project in WEB.rglob("tsconfig*.json"):
        if "node_modules" not in project.relative_to(WEB).parts:
            done = subprocess.run(
                ["node", str(compiler), "--listFilesOnly", "-p", str(project)],
                env=node.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
            checked |= set(done.stdout.splitlines())
    scripts = {path.as_posix() for path in WEB.rglob("*.js") if "node_modules" not in path.parts}
    assert sorted(scripts - checked) == [], "no tsconfig*.json of src/journal/web includes these"
