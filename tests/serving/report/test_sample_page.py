"""The page of one sample, and the file that it is in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidestep.features.errors import InputError
from sidestep.serving.report.writing import sample_file, write_sample_page


@pytest.mark.parametrize("sample", ["A/../B", "..", ".", "con:\n", "7", "Ä" * 300, "-x", "a" * 300])
def test_a_sample_has_a_file_of_its_own_in_the_folder(sample: str) -> None:
    name = sample_file(sample, ".html")
    assert re.fullmatch(r"report-[A-Za-z0-9_.-]{1,120}\.html", name)
    assert not re.fullmatch(r"report-\d+\.html", name)
    assert name != sample_file(f"{sample}_", ".html")


def test_one_sample_has_a_page_of_its_own(small_folder: Path) -> None:
    path = write_sample_page(small_folder, "A/../B")
    assert path.parent == small_folder
    text = path.read_text(encoding="utf-8")
    assert '"samples":[{"name":"A/../B",' in text
    assert '"name":"SKBR3"' not in text


def test_an_unknown_sample_gets_the_nearest_suggested(small_folder: Path) -> None:
    with pytest.raises(InputError, match="no sample 'SKBR-3'; did you mean SKBR3"):
        write_sample_page(small_folder, "SKBR-3")
    with pytest.raises(InputError, match=r"EMPTY-1 has no scores.*no modality of the model"):
        write_sample_page(small_folder, "EMPTY-1")
