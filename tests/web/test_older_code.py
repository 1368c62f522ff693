"""Code in the browser for an earlier version of an exercise: kept, named, and laid over the new stub."""

from __future__ import annotations

import pytest

from tests.web.workshop_pages import BOOT_LIMIT_MS, Workshop, solution, stub

pytestmark = pytest.mark.browser

FIRST = "backoff"


@pytest.fixture
def workshop(site_url, visit):
    return lambda: Workshop(visit(), site_url, FIRST)


OLDER = "# mine\nHELPER = 1\n\n\ndef ceiling_s(attempt, base_s, cap_s):\n    return HELPER\n"


def with_older_code(workshop):
    """Open the workshop of a reader whose browser kept code for an earlier version, as 0.5.0 did."""
    at = workshop()
    at.page.evaluate("code => localStorage.setItem('redrive.work.backoff', code)", OLDER)
    at.page.reload()
    at.editor.wait_for()
    assert at.editor.inner_text().startswith("# mine")
    return at, at.section.locator(".rd-workshop__older")


def test_code_for_an_earlier_version_is_kept_with_a_notice_that_goes_when_answered(workshop):
    at, notice = with_older_code(workshop)
    assert "has changed since you wrote your code" in notice.inner_text()
    notice.get_by_role("button", name="Keep my code as it is").click()
    assert notice.count() == 0
    at.page.reload()
    at.editor.wait_for()
    assert notice.count() == 0
    assert at.code() == OLDER


def test_older_code_is_laid_over_the_new_stub_and_the_way_back_is_open(workshop):
    at, notice = with_older_code(workshop)
    notice.get_by_role("button", name="Lay my code over the new stub").click()
    notice.wait_for(state="detached", timeout=BOOT_LIMIT_MS)
    at.page.wait_for_timeout(400)
    laid = at.code()
    assert "return HELPER" in laid
    assert stub(FIRST).split('"""')[1] in laid
    at.section.get_by_role("button", name="Undo reset").click()
    at.page.wait_for_timeout(400)
    assert at.code() == OLDER


def test_a_reader_without_code_or_with_code_of_this_version_sees_no_notice(workshop):
    at = workshop()
    assert at.section.locator(".rd-workshop__older").count() == 0
    at.write(solution(FIRST))
    at.page.reload()
    at.editor.wait_for()
    assert at.section.locator(".rd-workshop__older").count() == 0
