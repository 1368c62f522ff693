"""The Anki package: the same identities every time, so that a second import updates and never duplicates."""

from __future__ import annotations

import sqlite3
import zipfile

import pytest

from journal import cli
from journal.review.anki import NOTE_TYPE_ID, deck_id, note_guid

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


def notes(package, tmp_path):
    with zipfile.ZipFile(package) as archive:
        archive.extract("collection.anki2", tmp_path)
    connection = sqlite3.connect(tmp_path / "collection.anki2")
    try:
        rows = connection.execute(
            "select n.guid, n.mid, c.did, n.flds from notes n join cards c on c.nid = n.id order by n.guid"
        ).fetchall()
    finally:
        connection.close()
    return {guid: (note_type, deck, fields.split("\x1f")) for guid, note_type, deck, fields in rows}


@pytest.fixture
def export(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))

    def run(name):
        file = tmp_path / name
        assert cli.run(["export", "anki", str(file)]) == 0
        return notes(file, tmp_path)

    return run


def test_exporting_twice_gives_the_same_identities(export, folder):
    first = export("first.apkg")
    folder.change("docs/quizzes/backoff.yml", "What is transient.", "What is *transient*, and nothing else.")
    folder.change("docs/quizzes/backoff.yml", "title: Retries and backoff", "title: Backing off")
    second = export("second.apkg")
    assert len(first) == 3
    assert first.keys() == second.keys()
    assert (
        {row[:2] for row in first.values()}
        == {row[:2] for row in second.values()}
        == {(NOTE_TYPE_ID, deck_id("redrive", "backoff"))}
    )
    changed = note_guid("redrive", "backoff-03")
    assert first[changed][2][1] == "<p>What is transient.</p>"
    assert second[changed][2][1] == "<p>What is <em>transient</em>, and nothing else.</p>"


def test_exporting_over_an_older_package_replaces_it_whole(export, folder, tmp_path):
    export("same.apkg")
    folder.change("docs/quizzes/backoff.yml", "id: backoff-02", "id: backoff-09")
    assert set(export("same.apkg")) == {note_guid("redrive", f"backoff-{n}") for n in ("01", "03", "09")}
    assert [path.name for path in tmp_path.glob("*.apkg")] == ["same.apkg"]


def test_identities_never_change():
    assert note_guid("redrive", "backoff-01") == "M-]^niF#BC"
    assert deck_id("redrive", "backoff") == 1816605405
    assert NOTE_TYPE_ID == 1607392319


def test_decks_of_this_journal_have_different_numbers(pytestconfig):
    names = [path.stem for path in (pytestconfig.rootpath / "docs/quizzes").glob("*.yml")]
    assert len({deck_id("redrive", name) for name in names}) == len(names)


def test_bad_target_is_one_sentence(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))
    assert cli.run(["export", "anki", str(tmp_path / "cards.zip")]) == 1
    assert cli.run(["export", "anki", str(tmp_path / "no/such/cards.apkg")]) == 1
    err = capsys.readouterr().err
    assert "Anki opens only files that end in .apkg; name it" in err
    assert "there is no folder" in err


def test_faulty_deck_is_not_exported(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REDRIVE_ROOT", str(folder.path))
    folder.change("docs/quizzes/backoff.yml", "answer: What is transient.", "answer:")
    assert cli.run(["export", "anki", str(tmp_path / "cards.apkg")]) == 1
    assert "docs/quizzes/backoff.yml:21" in capsys.readouterr().err
    assert not (tmp_path / "cards.apkg").exists()
