"""The operator page's table is the code's."""

import re
from pathlib import Path

from jobqueue.entrypoints.cli.serve import settings_table

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "operating.md"


def test_the_settings_of_the_page_are_those_of_the_code():
    text = PAGE.read_text()
    found = re.search(r"<!-- settings: generated .*?-->\n(.*?)\n?<!-- settings: end -->", text, re.DOTALL)
    assert found is not None
    assert found[1].strip() == settings_table(), "copy what `jobqueue settings --markdown` prints between the markers"
