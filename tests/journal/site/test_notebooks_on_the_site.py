"""Notebooks get their outputs before the site is built, once, and their pages carry no script."""

from __future__ import annotations

import json

import pytest

from journal.content.problems import ContentError
from journal.site import notebook_page, notebooks


def notebook(*sources):
    return json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "id": "top", "metadata": {}, "source": ["# Lab\n", "\n", "Look at it."]}
            ]
            + [
                {
                    "cell_type": "code",
                    "id": f"cell{n}",
                    "metadata": {},
                    "execution_count": None,
                    "outputs": [],
                    "source": [source],
                }
                for n, source in enumerate(sources)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def test_a_notebook_is_run_once_and_again_when_it_changed(journal_site):
    journal_site.write("notebooks/lab.ipynb", notebook("import os; print(6 * 7, os.environ['REDRIVE_HISTORY'][-13:])"))
    (copy,) = notebooks.executed(journal_site.path)
    assert "42 history.jsonl" in copy.read_text(encoding="utf-8")
    first = copy.stat().st_mtime_ns
    assert notebooks.executed(journal_site.path) == [copy]
    assert copy.stat().st_mtime_ns == first
    journal_site.write("notebooks/lab.ipynb", notebook("print(43)", "raise ValueError('too many')"))
    with pytest.raises(ContentError, match=r"notebooks/lab.ipynb: cell 3 fails: ValueError: too many"):
        notebooks.executed(journal_site.path)
    assert '"outputs": []' in journal_site.read("notebooks/lab.ipynb"), "the notebook itself was written to"


def test_a_notebooks_page_loses_scripts_styles_and_copy_buttons():
    page = notebook_page.plain(
        '<script>evil()</script><style>p{}</style><p>stays</p><SCRIPT src="https://x">\n</SCRIPT >'
        '<div class="zeroclipboard-container"><clipboard-copy for="c"><div></div></clipboard-copy>\n</div>'
        '<div class="clipboard-copy-txt" id="cell-1">print(1)</div>'
        '<h2 id="a">A<a class="anchor-link" href="#a">¶</a></h2>'
    )
    assert page == (
        '<p>stays</p><h2 id="a">A<a class="headerlink" href="#a" title="Link to this section">&para;</a></h2>'
    )


def test_a_notebooks_description_is_its_first_sentence(journal_site):
    journal_site.write("notebooks/lab.ipynb", notebook())
    assert notebook_page.description(journal_site.path / "notebooks/lab.ipynb") == "Look at it."
