"""Which Node.js is taken, and what is said when there is none."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from journal.site import node


def fake(folder, name, says):
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="utf-8")
    program.chmod(0o755)


def test_a_node_of_the_machine_is_taken_when_it_is_new_enough(tmp_path, monkeypatch):
    fake(tmp_path / "bin", "node", "v22.3.0")
    fake(tmp_path / "bin", "npm", "10")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    found = node.find_node()
    assert (found.folder, found.version) == (tmp_path / "bin", "v22.3.0")
    assert found.environment()["PATH"].startswith(str(tmp_path / "bin"))


@pytest.mark.parametrize(("version", "with_npm"), [("v18.19.0", True), ("v22.3.0", False), ("nonsense", True)])
def test_a_node_too_old_or_without_npm_is_passed_over_and_a_failed_install_is_explained(
    tmp_path, monkeypatch, version, with_npm
):
    fake(tmp_path / "bin", "node", version)
    if with_npm:
        fake(tmp_path / "bin", "npm", "10")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    real, calls = subprocess.run, []

    def run(command, **options):
        if "pip" not in command:
            return real(command, **options)
        calls.append(command)
        return subprocess.CompletedProcess(command, 1, "", "ERROR: no network\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(node.NodeError, match=r"no Node\.js 20 or newer.*failed: ERROR: no network"):
        node.find_node()
    assert "--require-hashes" in calls[0]


def test_packages_are_installed_once_for_each_lock(tmp_path, monkeypatch):
    web = tmp_path / "web"
    web.mkdir()
    monkeypatch.setattr(node, "WEB", web)
    (web / "package-lock.json").write_text("{}", encoding="utf-8")
    runs = []

    class Npm:
        def run(self, *command, folder):
            runs.append((command[:2], "--omit=dev" in command, folder))
            (folder / "node_modules").mkdir(exist_ok=True)
            return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(node, "find_node", Npm)
    assert node.packages() == web / "node_modules"
    node.packages()
    assert runs == [(("npm", "ci"), True, web)], "a reader gets what builds the site, and nothing for tests"
    node.packages(tests=True)
    node.packages()
    assert runs[1:] == [(("npm", "ci"), False, web)]
    (web / "package-lock.json").write_text("{ }", encoding="utf-8")
    node.packages()
    assert len(runs) == 3


def test_packages_that_only_tests_need_are_left_out_for_readers():
    packages = json.loads((node.WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    built_with = [name for name, package in packages.items() if name and not package.get("dev")]
    optional = [name for name in built_with if packages[name].get("optional")]
    assert {"node_modules/esbuild", "node_modules/pyodide"} <= set(built_with)
    assert not {"node_modules/axe-core", "node_modules/puppeteer-core", "node_modules/typescript"} & set(built_with)
    # Of esbuild's own packages, which are optional, one is installed on each kind of machine.
    assert len(built_with) - len(optional) < 20


def test_the_lock_pins_by_hash_and_names_no_registry():
    lock = (node.WEB / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock, "write the lock with the npm setting omit-lockfile-registry-resolved"
    assert "registry" not in lock
    assert '"integrity": "sha512-' in lock
