"""The work folder of a job: what is recorded stays, what is damaged counts as not done."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.serving.disk.journal import Journal
from sidestep.serving.disk.output import unreadable

CONTENT = b"rows of some samples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Work folder of job A, with the chunks 0, 1 and 2."""
    journal = Journal(tmp_path / "work", "A", print)
    for chunk in range(3):
        journal.record(chunk, CONTENT + bytes([chunk]))
    return journal.folder


def read(folder: Path, job: str = "A") -> tuple[list[int], list[str]]:
    """Chunks that a new process finds whole, and what it says about the others."""
    notices: list[str] = []
    journal = Journal(folder, job, notices.append)
    whole = [chunk for chunk in range(4) if journal.read(chunk) == CONTENT + bytes([chunk])]
    assert journal.finished == set(whole)
    return whole, notices


def test_what_was_recorded_is_read_back(folder: Path) -> None:
    assert read(folder) == ([0, 1, 2], [])


def test_another_job_finds_nothing_and_says_so(folder: Path) -> None:
    whole, notices = read(folder, "B")
    assert whole == []
    assert notices == [f"note: unfinished work of another job was removed from {folder}"]
    assert [path.name for path in folder.iterdir()] == ["journal.jsonl"]


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "lost", "swap"])
def test_a_damaged_part_is_not_used(folder: Path, damage: str) -> None:
    part = folder / "000001.chunk"
    content = part.read_bytes()
    if damage == "lost":
        part.unlink()
    else:
        part.write_bytes(
            {
                "flip": content[:9] + bytes([content[9] ^ 1]) + content[10:],
                "cut": content[:-1],
                "empty": b"",
                "swap": (folder / "000002.chunk").read_bytes(),
            }[damage]
        )
    whole, notices = read(folder)
    assert whole == [0, 2]
    assert notices == [f"warning: {part} is damaged; its samples are scored again"]


def test_a_journal_cut_anywhere_is_read_up_to_there_and_goes_on(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    content = journal.read_bytes()
    # Backwards, because what is cut off the header makes it another job's folder.
    for kept in range(len(content), 0, -13):
        journal.write_bytes(content[:kept])
        whole = list(range(max(content[:kept].count(b"\n") - 1, 0)))
        again = Journal(folder, "A", print)
        assert again.finished == set(whole)
        again.record(3, CONTENT + bytes([3]))
        assert read(folder)[0] == [*whole, 3]


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\n", b"null\n", b"{}\n", b'{"chunk": 7}\n', b'{"chunk": [], "sha256": 1}\n']
)
def test_a_journal_line_that_means_nothing_ends_it(folder: Path, line: bytes) -> None:
    journal = folder / "journal.jsonl"
    header, *chunks = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([header, chunks[0], line, *chunks[1:]]))
    assert read(folder) == ([0], [])
    journal.write_bytes(line + b"".join(chunks))
    assert read(folder)[0] == []


def test_what_a_killed_process_left_half_written_is_removed(folder: Path) -> None:
    (folder / "000003.chunk.new").write_bytes(b"rows")
    (folder / "output").mkdir()
    (folder / "output" / "scores.csv").touch()
    assert read(folder) == ([0, 1, 2], [])
    assert not (folder / "output").exists()
    assert not (folder / "000003.chunk.new").exists()


def test_a_folder_of_somebody_else_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.docx").write_text("mine")
    with pytest.raises(InputError, match=r"holds thesis.docx, which sidestep score did not write"):
        Journal(tmp_path / "work", "A", print)
    assert (tmp_path / "work" / "thesis.docx").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_something_else_in_its_place_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    work = tmp_path / "work"
    work.touch() if kind == "file" else work.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="work is in the way"):
        Journal(work, "A", print)
    assert work.exists()


def test_the_folder_goes_when_the_work_is_done_or_hopeless(folder: Path) -> None:
    with Journal(folder, "A", print):
        pass
    assert not folder.exists()

    def work(failure: Exception) -> None:
        with Journal(folder, "A", print) as journal:
            journal.record(0, CONTENT + bytes([0]))
            journal.output()
            raise failure

    with pytest.raises(InputError, match="hopeless"):
        work(InputError("hopeless"))
    assert not folder.exists()
    with pytest.raises(OSError, match="full"):
        work(OSError("full"))
    assert not (folder / "output").exists()
    assert read(folder) == ([0], [])


def test_what_is_done_stays_where_another_process_could_not_read(folder: Path) -> None:
    """No cause travels with its error."""
    failure = pickle.loads(pickle.dumps(unreadable(Path("study"), OSError("cut short"))))

    def work() -> None:
        with Journal(folder, "A", print):
            raise failure

    with pytest.raises(InputError, match="study cannot be read any more"):
        work()
    assert read(folder) == ([0, 1, 2], [])
