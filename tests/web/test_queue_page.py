"""The service's queue page in a real browser: as a probe serves it, light and dark, wide and narrow."""

import pytest
from prometheus_client import CollectorRegistry

from jobqueue.entrypoints.probe_http import Health, Probe
from jobqueue.entrypoints.queue_page import render
from tests.jobqueue.fakes.overviews import BUSY, EMPTY
from tests.web.pages import DESKTOP, PHONE

pytestmark = pytest.mark.browser


@pytest.fixture
def url():
    probe = Probe("127.0.0.1:0", CollectorRegistry(), Health(), lambda: render([BUSY, EMPTY], 1.8e9))
    yield f"http://{probe.address}/"
    probe.close()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_queue_page_reads_well_everywhere_and_runs_no_script(url, visit, scheme, viewport):
    """Did: opened the page in Chromium, light and dark, on a desktop and a phone.

    Saw: axe finds nothing, nothing overflows, nothing is asked of anyone, and there is no script.
    """
    opened = visit(url, color_scheme=scheme, viewport=viewport, bypass_csp=True)  # axe is a script
    assert opened.axe() == []
    assert opened.overflow() == 0
    assert opened.trouble == []
    assert opened.page.locator("script").count() == 0


def test_the_pages_policy_lets_the_page_be_as_it_is(url, visit):
    opened = visit(url)
    assert opened.trouble == []
    assert opened.page.evaluate("getComputedStyle(document.querySelector('caption')).textAlign") == "left"
