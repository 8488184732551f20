"""`sidestep report` as a person meets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.cli.report import report

FolderMaker = Callable[..., Path]


def run(*args: str | Path) -> None:
    report.main([str(arg) for arg in args], standalone_mode=False)


def test_it_draws_the_report_anew(small_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small_folder / "report.html").unlink(missing_ok=True)
    run(small_folder)
    size = (small_folder / "report.html").stat().st_size
    assert size < 1e6
    written = f"Written: {small_folder / 'report.html'} ({size / 1e3:.0f} kB)\n"
    assert capsys.readouterr().out == written


@pytest.mark.slow
def test_one_sample_as_page_or_pdf_where_it_is_wanted(small_folder: Path, tmp_path: Path) -> None:
    run(small_folder, "--sample", "=cmd()", "--out", tmp_path / "page.html")
    run(small_folder, "--sample", "=cmd()", "--pdf", "--out", tmp_path / "page.pdf")
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!doctype html>")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow_but_first
@pytest.mark.parametrize("option", [[], ["--pdf"]])
def test_a_page_replaces_an_earlier_one_and_nothing_else(
    make_folder: FolderMaker, tmp_path: Path, option: list[str]
) -> None:
    folder, out = make_folder(), tmp_path / "page"
    for _ in range(2):
        run(folder, "--sample", "SKBR3", "--out", out, *option)
        run(folder, "--sample", "SKBR3", *option)
        run(folder)
    (written,) = folder.glob("report-SKBR3.*")
    written.write_text("with my notes")
    with pytest.raises(InputError, match=r"SKBR3.* was changed after sidestep wrote it; move it"):
        run(folder, "--sample", "SKBR3", *option)
    (folder / "report.html").write_text("with my notes")
    with pytest.raises(InputError, match=r"report.html was changed after sidestep wrote it"):
        run(folder)
    out.write_text("mine")
    with pytest.raises(InputError, match="page is there already, and is no page of sidestep"):
        run(folder, "--sample", "SKBR3", "--out", out, *option)
    assert {written.read_text(), (folder / "report.html").read_text()} == {"with my notes"}
    assert out.read_text() == "mine"


@pytest.mark.parametrize("option", [["--pdf"], ["--out", "page.html"]])
def test_options_of_one_sample_need_one(small_folder: Path, option: list[str]) -> None:
    with pytest.raises(InputError, match=f"{option[0]} is for a single sample"):
        run(small_folder, *option)


def test_a_place_that_cannot_be_written_is_one_sentence(small_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        run(small_folder, "--sample", "SKBR3", "--out", tmp_path / "nowhere" / "page.html")


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("scores", "drug"), ("scores", "call"), ("scores", "prediction"), ("reference", "drug"),
        ("explanations", "contribution"), ("mechanisms", "mechanism"), ("evidence", "fact"),
    ],
)  # fmt: skip
def test_a_table_with_damaged_pages_is_named(
    make_folder: FolderMaker, name: str, column: str
) -> None:
    """What the file holds, at its end, can still be read."""
    folder = make_folder()
    path = folder / f"{name}.parquet"
    group = pq.read_metadata(path).row_group(0)
    (chunk,) = (
        part
        for part in map(group.column, range(group.num_columns))
        if part.path_in_schema == column
    )
    start = chunk.data_page_offset if chunk.dictionary_page_offset is None else (
        chunk.dictionary_page_offset
    )  # fmt: skip
    content = bytearray(path.read_bytes())
    content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.parquet cannot be read \(.*score the study"):
        run(folder)
