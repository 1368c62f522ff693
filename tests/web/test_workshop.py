"""An exercise graded in its page by the real pytest: what it says of stub and solution, and what it survives."""

from __future__ import annotations

import json
import re

import pytest

from tests.web.pages import PHONE
from tests.web.workshop_pages import EXERCISES, Workshop, solution, stub

pytestmark = pytest.mark.browser

FIRST = "backoff"
# `make test` grades this one in the page, and the long run the others as well.
IN_THE_PAGE = [pytest.param(slug, marks=[] if slug == FIRST else [pytest.mark.long]) for slug in EXERCISES]
LOCAL_STEPS = {"metrics": {5}, "testbackoff": {1, 2, 3, 4}}
STUCK = """

def ceiling_s(attempt, *, base_s, cap_s):
    import itertools

    return max(itertools.repeat(1))
"""


@pytest.fixture
def workshop(site_url, visit):
    def open_workshop(slug=FIRST, **options):
        return Workshop(visit(**options), site_url, slug)

    return open_workshop


def with_ceiling(body):
    """The solution of the first exercise with another body for `ceiling_s`."""
    return solution(FIRST) + f"\n\ndef ceiling_s(attempt, *, base_s, cap_s):\n    {body}\n"


@pytest.mark.parametrize("slug", IN_THE_PAGE)
def test_untouched_stub_is_red_and_reference_is_green(workshop, slug):
    at = workshop(slug)
    at.boot()
    assert at.editor.inner_text().startswith(stub(slug)[:40])
    red = at.run()
    assert red
    assert set(red.values()) <= {"not_started", "local_only"}
    green = at.run(solution(slug))
    local = {n for n, outcome in green.items() if outcome == "local_only"}
    assert set(green) == set(red)
    assert {outcome for n, outcome in green.items() if n not in local} <= {"passed"}
    # Threads and processes are what no page has; a step that needs them is named, and never counted as passed.
    assert local == LOCAL_STEPS.get(slug, set())
    if local:
        assert "to be run locally" in at.sentence()
        assert "is passed" not in at.sentence()
    assert at.opened.trouble == []


def test_reading_fetches_no_python_and_the_first_grade_fetches_little(site_folder, workshop):
    """Did: opened an exercise's page, read it to the editor, ran the stub, and noted every request.

    Saw: no file of Pyodide before the editor was reached, and less than 12 MB after the first verdict, uncompressed.
    Otherwise: readers would pay for an interpreter they never use, or wait for one twice as large.
    """
    at = workshop()
    at.page.wait_for_load_state("networkidle")
    assert [url for url in at.opened.requested if "pyodide" in url or "runtime.json" in url] == []
    at.boot()
    at.run()
    fetched = {url.split("/", 3)[3].partition("?")[0] for url in at.opened.requested if "/assets/" in url}
    runtime = json.loads((site_folder / "assets" / "workshop" / "runtime.json").read_text(encoding="utf-8"))
    # A worker's own requests are not all reported to the page's listener; these are what it asks for.
    fetched |= {f"assets/{runtime['folder']}/{name}" for name in runtime["sizes"]} | {"assets/web/grader.worker.js"}
    sizes = {name: (site_folder / name).stat().st_size for name in fetched if (site_folder / name).is_file()}
    report = "\n".join(f"{size / 1e6:6.2f} MB  {name}" for name, size in sorted(sizes.items(), key=lambda one: -one[1]))
    assert any("packages-" in name for name in sizes)
    assert sum(sizes.values()) < 12e6, report


def test_failure_shows_what_was_called_and_marks_the_learners_line(workshop):
    at = workshop()
    code = solution(FIRST) + "\n\ndef is_transient(error, *, transient=(), permanent=()):\n    return 1 / 0\n"
    assert at.run(code)[3] == "failed"
    words = at.text()
    for label in ("called", "got", "expected", "ZeroDivisionError"):
        assert label in words
    at.page.evaluate("for (const fold of document.querySelectorAll('.rd-verdict details')) fold.open = true")
    at.section.locator(".rd-verdict .rd-link", has_text=re.compile(r"^line \d+$")).first.click()
    mark = at.section.locator(".rd-editor .rd-editor__line").first
    mark.wait_for()
    assert "return 1 / 0" in mark.inner_text()
    assert at.section.locator(".rd-editor__flag", has_text="✗").count() >= 1


RACE = """

async def _spend(self):
    left = await self._redis.get(self._key)
    left = self._cap if left is None else int(left)
    if left < self._cost:
        return False
    await self._redis.set(self._key, left - self._cost)
    return True


SharedRetryBudget.spend = _spend
"""


def test_trace_of_a_race_is_a_table_that_a_screen_reader_can_read(workshop):
    at = workshop()
    assert at.run(solution(FIRST) + RACE)[6] == "failed"
    at.page.evaluate("for (const fold of document.querySelectorAll('.rd-verdict details')) fold.open = true")
    table = at.section.locator(".rd-trace table").first
    assert table.locator("thead th[scope=col]").all_inner_texts() == ["who", "call", "command → reply"]
    assert {"worker 1", "worker 2"} <= set(table.locator("tbody th[scope=row]").all_inner_texts())
    assert "wrote it since the read" in table.inner_text()
    assert table.locator("caption").count() == 1
    assert at.section.locator(".rd-trace").first.get_attribute("tabindex") == "0"


def test_hints_come_one_at_a_time(workshop):
    at = workshop()
    at.run()
    row = at.section.locator(".rd-verdict__steps > li").first
    row.locator("summary").click()
    assert row.locator(".rd-hint").count() == 0
    for n in (1, 2, 3):
        row.locator(".rd-hints > .rd-button").click()
        assert row.locator(".rd-hint").count() == n
        assert at.page.evaluate("document.activeElement.classList.contains('rd-hint')")
    assert not row.locator(".rd-hints > .rd-button").is_visible()


def test_endless_loop_of_the_learners_file_fails_its_step_with_the_line(workshop):
    at = workshop()
    hangs = "\n\n_right = ceiling_s\n\n\ndef ceiling_s(attempt, *, base_s, cap_s):\n    while attempt == 1_100:\n"
    hangs += "        attempt = 1_100\n    return _right(attempt, base_s=base_s, cap_s=cap_s)\n"
    outcomes = at.run(solution(FIRST) + hangs)
    assert (outcomes[1], outcomes[2], outcomes[3]) == ("failed", "passed", "passed")
    assert "an endless loop" in at.text()
    assert re.search(r"line \d+(while attempt == 1_100|attempt = 1_100)", at.text())
    assert at.run(solution(FIRST))[1] == "passed"


@pytest.mark.long
def test_code_that_never_gives_control_back_is_ended_and_the_page_lives(workshop):
    """Did: ran code that loops inside the interpreter, where nothing but the end of the worker helps; then good code.

    Saw: one sentence with the step that hung, and a right verdict for the next run.
    Otherwise: the page would show "Running" until it is reloaded.
    """
    at = workshop()
    at.boot()
    outcomes = at.run(solution(FIRST) + STUCK)
    assert "was still running after 15 seconds" in at.sentence()
    assert "Step 1" in at.sentence()
    assert outcomes[1] == "failed"
    assert "passed" not in outcomes.values()
    assert set(at.run(solution(FIRST)).values()) == {"passed"}


UNGRADABLE = {
    "import sys\nsys.exit(3)\n": "SystemExit",
    "def ceiling_s(attempt:\n": "is not valid Python",
    "import no_such_module\n": "No module named 'no_such_module'",
    "": "has no",
    "import os\nos._exit(0)\n": "ended Python itself",
    "raise KeyboardInterrupt\n": "KeyboardInterrupt",
    "kept = bytearray(1 << 33)\n": "OverflowError",
    "kept = [bytearray(1 << 29) for _ in range(64)]\n": "MemoryError",
}


@pytest.mark.long
def test_code_that_cannot_be_graded_is_told_in_a_sentence(workshop):
    at = workshop()
    at.boot()
    for code, said in UNGRADABLE.items():
        at.run(code)
        assert said in at.text(), code
        at.run(with_ceiling("return 0.0"))
        assert "Step 1 failed" in at.sentence(), f"after {code!r}"


@pytest.mark.long
def test_flood_of_output_is_cut(workshop):
    at = workshop()
    flood = 'for _ in range(120):\n        print("<b>spam</b>" * 100)\n    return 0.0'
    at.run(with_ceiling(flood))
    printed = at.section.locator(".rd-printed")
    printed.locator("summary").click()
    assert "is not kept" in printed.text_content()
    assert len(printed.text_content()) < 1_000_000
    assert printed.locator("b").count() == 0


def test_what_a_program_says_never_becomes_script(workshop):
    """Did: printed, returned, raised and named things that are HTML with script in it, and opened all that was shown.

    Saw: the text itself, no element of it, nothing run.
    Otherwise: a solution copied from elsewhere could act as the page.
    """
    evil = "</code><img src=data:, onerror=window.intruded=1><script>window.intruded=1</script>"
    at = workshop()
    for body in (f"print({evil!r}); return {evil!r}", f"raise ValueError({evil!r})"):
        at.run(with_ceiling(body))
        at.page.evaluate("for (const fold of document.querySelectorAll('.rd-verdict details')) fold.open = true")
        assert "onerror=window.intruded=1" in at.text()
        assert at.section.locator(".rd-verdict :is(img, script)").count() == 0
    at.run(f"# {evil}\ndef f(:\n")
    at.page.evaluate(
        "evil => ['work', 'runs', 'aside'].forEach(kind => localStorage.setItem(`redrive.${kind}.backoff`, evil))",
        evil,
    )
    at.page.reload()
    at.editor.wait_for()
    assert evil in at.editor.inner_text()
    at.page.wait_for_timeout(100)
    assert at.page.evaluate("window.intruded") is None


def test_work_survives_a_reload_and_reset_can_be_undone(workshop):
    at = workshop()
    at.editor.click()
    at.page.keyboard.press("Control+Home")
    at.page.keyboard.type("# mine\n")
    at.page.reload()
    at.editor.wait_for()
    assert at.editor.inner_text().startswith("# mine\n")
    at.section.get_by_role("button", name="Reset", exact=True).click()
    assert not at.editor.inner_text().startswith("# mine")
    at.page.reload()
    at.editor.wait_for()
    assert not at.editor.inner_text().startswith("# mine")
    at.section.get_by_role("button", name="Undo reset").click()
    assert at.editor.inner_text().startswith("# mine\n")
    assert not at.section.get_by_role("button", name="Undo reset").is_visible()
    at.page.wait_for_timeout(400)
    assert at.code() == "# mine\n" + stub(FIRST)


def test_downloaded_file_is_what_was_opened(workshop, tmp_path):
    at = workshop()
    at.write(solution(FIRST))
    with at.page.expect_download() as download:
        at.section.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "backoff.py"
    assert download.value.path().read_text(encoding="utf-8") == solution(FIRST)


@pytest.mark.long
def test_solution_and_gallery_open_when_the_core_passed(workshop):
    at = workshop()
    at.run(with_ceiling("return 0.0"))
    assert not at.section.locator(".rd-after").is_visible()
    at.run(solution(FIRST))
    at.section.locator(".rd-after .rd-button").first.click()
    rows = at.section.locator(".rd-wrong__one")
    rows.first.wait_for()
    assert rows.count() == len(EXERCISES[FIRST].files_in("wrong"))
    row = rows.filter(has_text="equal jitter")
    row.locator(".rd-button").click()
    row.locator(".rd-verdict__steps").first.wait_for(timeout=60_000)
    assert "Caught by step 2, 4." in row.inner_text()
    assert "no wait below" in row.text_content()


@pytest.mark.long
def test_five_runs_of_different_code_open_the_solution_too(workshop):
    at = workshop()
    for n in range(5):
        assert not at.section.locator(".rd-after").is_visible()
        at.run(stub(FIRST) + f"\n# try {n}\n")
        at.run()  # the same code again counts once
    assert "You have run 5 versions of your code" in at.section.locator(".rd-after").inner_text()


def test_run_counts_in_the_history(workshop):
    at = workshop()
    at.run(with_ceiling("return 0.0"))
    lines = at.page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.startsWith('redrive.event.')).map(([, line]) => line)"
    )
    (event,) = [json.loads(line) for line in lines]
    assert (event["kind"], event["slug"], event["steps"]["1"], event["steps"]["3"]) == (
        "run",
        FIRST,
        "failed",
        "passed",
    )


def test_keyboard_alone_writes_runs_and_leaves_the_editor(workshop):
    at = workshop()
    at.boot()
    at.section.locator(".rd-button--main").first.focus()
    for _ in range(8):
        at.page.keyboard.press("Tab")
        if at.page.evaluate("document.activeElement.classList.contains('cm-content')"):
            break
    at.page.keyboard.press("Control+Home")
    at.page.keyboard.type("# typed")
    at.page.keyboard.press("Tab")
    assert at.page.evaluate("document.activeElement.classList.contains('cm-content')")
    at.page.keyboard.press("Shift+Tab")
    at.page.keyboard.press("Enter")  # the docstring begins on the next line, not inside the comment
    at.page.keyboard.press("Control+Enter")
    at.wait()
    at.page.keyboard.press("Escape")
    at.page.keyboard.press("Tab")
    assert not at.page.evaluate("document.activeElement.classList.contains('cm-content')")
    assert at.page.evaluate("document.querySelector('[role=status]').textContent").startswith(
        "0 of 5 core steps passed"
    )


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(workshop, scheme):
    at = workshop(color_scheme=scheme, viewport=PHONE if scheme == "dark" else {"width": 1280, "height": 900})
    found = {"before": at.opened.axe()}
    at.boot()
    at.write(solution(FIRST) + STUCK)
    at.press_run()
    at.page.locator('[data-run="running"]').wait_for()
    found["running"] = at.opened.axe()
    at.section.get_by_role("button", name="Stop").click()
    at.wait()
    assert at.sentence().startswith("Stopped.")
    at.run(with_ceiling('print("seen"); return cap_s / (attempt - 1)'))
    unfold = "for (const fold of document.querySelectorAll('.rd-workshop details')) fold.open = true"
    at.page.evaluate(unfold)
    at.section.locator(".rd-hints > .rd-button").first.click()
    found["failed"] = at.opened.axe()
    assert at.opened.overflow() == 0
    at.run("def f(:\n")
    found["broken"] = at.opened.axe()
    at.run(solution(FIRST))
    found["passed"] = at.opened.axe()
    at.section.locator(".rd-after .rd-button").first.click()
    row = at.section.locator(".rd-wrong__one").first
    row.locator(".rd-button").click()
    row.locator(".rd-verdict__steps").first.wait_for(timeout=60_000)
    at.page.evaluate(unfold)
    found["gallery"] = at.opened.axe()
    assert at.opened.overflow() == 0
    assert sorted({fault for faults in found.values() for fault in faults}) == []
    assert at.opened.trouble == []


def test_a_lessons_sample_runs_when_asked_and_shows_what_it_prints(site_url, visit):
    opened = visit()
    page = opened.go(f"{site_url}lessons/day-136-redis-job-queue/")
    page.wait_for_load_state("networkidle")
    assert [url for url in opened.requested if "pyodide" in url or "/workshop/" in url] == []
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    for sample, said in zip(page.locator(".rd-sample").all(), ("still there: ['order-2']", "A: refused"), strict=True):
        sample.get_by_role("button", name="Run this").click()
        sample.locator(".rd-sample__out pre").wait_for(timeout=120_000)
        assert said in sample.inner_text()
    assert opened.axe() == []
    assert opened.trouble == []
