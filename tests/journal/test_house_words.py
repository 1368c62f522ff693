"""No text of the project uses a word that the house style calls always wrong."""

from pathlib import Path

import pytest

from journal.content.house_words import word_problems
from journal.content.repository import find_root

ROOT = find_root()
# Files that still have some. It only gets shorter.
LEFT = frozenset(Path(__file__).with_name("house_words_left.txt").read_text().split())


def test_no_text_uses_a_word_that_is_always_wrong():
    assert [str(problem) for problem in word_problems(ROOT) if problem.path not in LEFT] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("It belongs into a list.", "says 'belongs into'; write: belongs in"),
        ("The mend is here.", "says 'mend'; write: fix"),
        ("All of them are through.", "says 'are through'; write: has run, is finished"),
        ("It starts anew.", "says 'anew'; write: again"),
        ("Whoever asks.", "says 'Whoever'; write: anyone who, or the person by name"),
    ],
)
def test_a_wrong_word_is_named_with_the_right_one(tmp_path, text, says):
    (tmp_path / "README.md").write_text(f"# Title\n\n{text}\n")
    assert [str(problem) for problem in word_problems(tmp_path)] == [f"README.md:3: {says}"]


@pytest.mark.parametrize("text", ["We recommend it.", "The way is through the port.", "Amend the record."])
def test_words_that_only_look_alike_are_left_alone(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    assert list(word_problems(tmp_path)) == []
