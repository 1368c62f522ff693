"""The built site in a real browser: fixtures for all tests of this folder.

Without a Chromium the tests marked `browser` are left out; `tests/conftest.py` says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from journal.content.problems import ContentError
from journal.site.build import BuildError, build_if_changed
from journal.site.node import packages
from tests.web.chromium import find_chromium
from tests.web.pages import DESKTOP, ROOT, served


@pytest.fixture(scope="session")
def site_folder():
    """The site of this repository, built strictly when anything of it changed since the last time.

    `REDRIVE_SITE_FOLDER` names a site that is built already, to test that one.
    """
    if named := os.environ.get("REDRIVE_SITE_FOLDER"):
        return Path(named)
    folder = ROOT / "build" / "site"
    try:
        build_if_changed(ROOT, folder)
    except (ContentError, BuildError) as error:
        # Every test of this folder fails for the same reason; say it briefly.
        first = "\n".join(str(error).splitlines()[:5])
        pytest.fail(f"the site cannot be built, see `journal build`:\n{first}", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def site_url(site_folder):
    """The address of the site on a static host."""
    with served(site_folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    """One Chromium for a module: Playwright keeps an event loop running, which tests of other folders must not meet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


class Visit:
    """A page in a browser context of its own, and all that went wrong in it."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light"} | options)
        self.page = self.context.new_page()
        self.trouble = []
        self.requested = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.trouble.append(f"{self.page.url}: {error}"))
        self.page.on("requestfailed", self._failed)
        self.context.on("request", self._request)
        self.context.on("response", self._response)

    def _console(self, message):
        if message.type in {"error", "warning"}:
            self.trouble.append(f"{self.page.url}: console: {message.text}")

    def _failed(self, request):
        # A page that is left before its icon arrived has aborted the request itself.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.trouble.append(f"{self.page.url}: {request.failure}: {request.url}")

    def _request(self, request):
        self.requested.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "file", "about"} and parts.hostname != "127.0.0.1":
            self.trouble.append(f"{self.page.url}: asks {parts.hostname}: {request.url}")

    def _response(self, response):
        if response.status >= 400:
            self.trouble.append(f"{self.page.url}: {response.status} for {response.url}")

    def go(self, url):
        self.page.goto(url, wait_until="load")
        return self.page

    def overflow(self):
        """Return by how many CSS pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def axe(self, within=""):
        """Return axe's violations, on the page or within what a selector names, each as one line with its elements."""
        self.page.evaluate(f"{(packages(tests=True) / 'axe-core' / 'axe.min.js').read_text(encoding='utf-8')}; 0")
        found = self.page.evaluate("within => axe.run(within || document, {resultTypes: ['violations']})", within)[
            "violations"
        ]
        return [
            f"{self.page.url}: {violation['id']}: {violation['help']}: "
            + "; ".join(
                f"{node['html'][:160]} {node.get('failureSummary', '')[:200]}" for node in violation["nodes"][:3]
            )
            for violation in found
        ]


@pytest.fixture
def visit(browser):
    """Open a page in a fresh context: `visit(url, **context_options)`; all contexts are closed after the test."""
    visits = []

    def open_page(url=None, **options):
        opened = Visit(browser, **options)
        visits.append(opened)
        if url:
            opened.go(url)
        return opened

    yield open_page
    for opened in visits:
        opened.context.close()
