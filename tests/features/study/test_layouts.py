"""The layouts of public studies: which file is read as what, with small data in each."""

from __future__ import annotations

import csv
import shutil
import tarfile
from pathlib import Path

import pytest

from sidestep.features.study.check import check_study
from tests.features.study.small_layouts import add_data

KINDS = {
    "expression": "MRNA_EXPRESSION",
    "rppa": "PROTEIN_LEVEL",
    "copy_number": "COPY_NUMBER_ALTERATION",
}


@pytest.fixture(scope="module")
def layouts(shared: Path) -> Path:
    """Folder of the real layouts."""
    folder = shared / "layouts"
    if not folder.is_dir():
        pytest.skip(f"the layouts of public studies are not at {folder}")
    return folder


@pytest.mark.slow
def test_every_public_layout_is_read_as_expected(layouts: Path, tmp_path: Path) -> None:
    with tarfile.open(layouts / "layouts.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    with (layouts / "expected.tsv").open(encoding="utf-8", newline="") as handle:
        expected = list(csv.DictReader(handle, delimiter="\t"))
    assert len(expected) > 300
    wrong = []
    for row in expected:
        folder = tmp_path / row["study"]
        owner = add_data(folder)
        check = check_study(folder)
        assert check.study is not None
        read = {one.kind: owner[one.file] for one in check.study.account if one.file in owner}
        found = {name: read.get(kind, "none") for name, kind in KINDS.items()}
        wanted = {name: row[name] for name in KINDS}
        if check.errors or found != wanted:
            wrong.append((row["study"], found, wanted, [e.message for e in check.errors]))
        shutil.rmtree(folder)
    assert wrong == []
