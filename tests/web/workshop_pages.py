"""An exercise's page as a test drives it: code in, a run, the steps as they stand on the page."""

from __future__ import annotations

import re

from journal.course.exercises import find_exercises
from tests.web.pages import ROOT

BOOT_LIMIT_MS = 120_000
RUN_LIMIT_MS = 120_000

EXERCISES = {exercise.slug: exercise for exercise in find_exercises(ROOT) if exercise.has("readme")}


class Workshop:
    """The workshop of one exercise in an open page."""

    def __init__(self, opened, url, slug):
        self.opened, self.slug = opened, slug
        self.page = opened.go(f"{url}exercises/{slug}/")
        self.section = self.page.locator(f'[data-workshop="{slug}"]')
        self.editor = self.section.locator(".rd-editor .cm-content").first
        self.editor.wait_for()

    def boot(self):
        """Turn to the editor and wait until Python can grade."""
        self.editor.scroll_into_view_if_needed()
        self.page.locator('[data-python="ready"]').wait_for(timeout=BOOT_LIMIT_MS)

    def write(self, code):
        """Open a file with this code, as a learner does who wrote it elsewhere."""
        file = {"name": f"{self.slug}.py", "mimeType": "text/x-python", "buffer": code.encode()}
        self.page.set_input_files("#workshop-file", files=[file])
        self.page.locator(".rd-workshop__saved").filter(has_text=re.compile("browser|yet")).wait_for()
        self.page.wait_for_timeout(50)

    def code(self):
        """What the editor holds, read from where the page keeps it after a moment."""
        return self.page.evaluate("slug => localStorage.getItem(`redrive.work.${slug}`)", self.slug)

    def press_run(self):
        self.section.locator(".rd-button--main").first.click()

    def wait(self):
        """Wait until a run has ended; return each step's outcome."""
        self.page.locator('[data-workshop][data-run=""]').wait_for(timeout=RUN_LIMIT_MS)
        return self.outcomes()

    def run(self, code=None):
        if code is not None:
            self.write(code)
        self.press_run()
        return self.wait()

    def outcomes(self):
        found = self.section.locator(".rd-verdict > .rd-verdict__steps > li").evaluate_all(
            "rows => rows.map(row => [row.className.match(/step--(\\w+)/)[1],"
            " row.querySelector('.rd-verdict__title').textContent])"
        )
        return {int(re.match(r"Step (\d+)", title)[1]): outcome for outcome, title in found}

    def sentence(self):
        return self.section.locator(".rd-verdict__sentence").first.inner_text()

    def text(self):
        return self.section.locator(".rd-verdict").first.text_content()


def stub(slug):
    return EXERCISES[slug].stub() or EXERCISES[slug].text("stub")


def solution(slug):
    return EXERCISES[slug].text("solution")
