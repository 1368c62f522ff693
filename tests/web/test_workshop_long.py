"""Every wrong solution graded in Chromium, and every exercise in Firefox: the page says what the terminal says."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess

import pytest

from journal.course.declared import read_wrong
from journal.site.node import WEB, find_node, packages
from tests.web.pages import ROOT
from tests.web.workshop_pages import EXERCISES, Workshop, solution, stub

LONG_SCALE = float(os.environ.get("LONG_SCALE", "1"))
FIREFOX_LIMIT_S = 900
DRIVER = ROOT / "tests" / "web" / "firefox_grades.mjs"

pytestmark = pytest.mark.long


def sample(slug):
    """The wrong solutions of an exercise; at a smaller scale some of them, always the same."""
    every = [read_wrong(file, ROOT) for file in EXERCISES[slug].files_in("wrong")]
    count = max(1, math.ceil(len(every) * min(1, LONG_SCALE)))
    return random.Random(slug).sample(every, count)


@pytest.mark.browser
@pytest.mark.parametrize("slug", EXERCISES)
def test_every_wrong_solution_fails_in_the_page_the_steps_it_declares(site_url, visit, slug):
    """Did: graded each wrong solution of the exercise in Chromium.

    Saw: exactly the declared steps failed, leaving out those that have to be run locally.
    Otherwise: the page would praise what the terminal refuses, or the other way round.
    """
    at = Workshop(visit(), site_url, slug)
    at.boot()
    differs = []
    for wrong in sample(slug):
        outcomes = at.run(wrong.text)
        failed = {n for n, outcome in outcomes.items() if outcome in {"failed", "not_run"}}
        local = {n for n, outcome in outcomes.items() if outcome == "local_only"}
        if failed != set(wrong.fails) - local:
            differs.append(f"{wrong.path}: declares {wrong.fails}, the page fails {sorted(failed)}: {at.sentence()}")
    assert differs == []


def firefox():
    named = os.environ.get("REDRIVE_FIREFOX")
    return named or next((path for name in ("firefox-esr", "firefox") if (path := shutil.which(name))), None)


def test_each_exercise_is_graded_alike_in_firefox(site_url, capsys):
    """Did: ran stub and reference of each exercise in Firefox, driven over WebDriver BiDi.

    Saw: the stub red in every step, the reference green, but for steps that have to be run locally.
    Otherwise: the workshop would be one browser's.
    """
    binary = firefox()
    if binary is None:
        if os.environ.get("REDRIVE_REQUIRE_BROWSER") == "1":
            pytest.fail("no Firefox, and REDRIVE_REQUIRE_BROWSER=1 asks for one; name it in REDRIVE_FIREFOX")
        with capsys.disabled():
            print("\nFirefox not run: none is installed")
        return
    packages(tests=True)
    jobs = [{"slug": slug, "codes": [stub(slug), solution(slug)]} for slug in EXERCISES]
    done = subprocess.run(
        ["node", str(DRIVER), binary, site_url, WEB.as_uri() + "/"],
        input=json.dumps(jobs),
        env=find_node().environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=FIREFOX_LIMIT_S,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    graded = json.loads(done.stdout)
    for slug in EXERCISES:
        red, green = (set(outcomes.values()) for outcomes in graded[slug])
        assert red <= {"not_started", "local_only"}, (slug, graded[slug])
        assert green <= {"passed", "local_only"}, (slug, graded[slug])
