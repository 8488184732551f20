"""Which files make up a study."""

from __future__ import annotations

import hashlib
import re

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere does not exist"):
        read_study(tmp_path / "nowhere")


def test_a_file_instead_of_a_folder_is_an_error(make_study):
    with pytest.raises(InputError, match=r"meta_study\.txt is a file, not a study folder"):
        read_study(make_study() / "meta_study.txt")


def test_a_folder_without_meta_files_is_an_error(tmp_path):
    (tmp_path / "data_rppa.txt").write_text("Composite.Element.REF\tA\n")
    with pytest.raises(InputError, match=r"holds no meta_\*\.txt"):
        read_study(tmp_path)


def test_studies_within_a_folder_that_is_none_are_named(tmp_path):
    for name in ("pancan", "breast"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "meta_study.txt").write_text("cancer_study_identifier: x\n")
    named = f"in it, such as {tmp_path / 'breast'} or {tmp_path / 'pancan'}."
    with pytest.raises(InputError, match=re.escape(named)):
        read_study(tmp_path)


def test_an_absent_data_file_is_an_error(make_study):
    with pytest.raises(InputError, match=r"meta_rppa.txt names the data file 'data_rppa.txt'"):
        read_study(make_study({"data_rppa.txt": None}))


def test_a_meta_file_without_data_filename_is_an_error(make_study, small):
    meta = small["meta_rppa.txt"].replace("data_filename: data_rppa.txt\n", "")
    with pytest.raises(InputError, match=r"meta_rppa.txt has no data_filename; add the line"):
        read_study(make_study({"meta_rppa.txt": meta}))


@pytest.mark.parametrize(
    "named", ["../outside.txt", "/etc/hostname", "a/../../outside.txt", "C:\\x.txt", "..\\x.txt"]
)
def test_a_data_file_outside_the_study_is_refused(make_study, small, named):
    meta = small["meta_rppa.txt"].replace("data_rppa.txt", named)
    folder = make_study({"meta_rppa.txt": meta})
    (folder.parent / "outside.txt").write_text(small["data_rppa.txt"])
    with pytest.raises(InputError, match="leaves the study folder"):
        read_study(folder)


@pytest.mark.parametrize(
    "name", ["data_rppa.txt", "meta_rppa.txt", "case_lists/cases_sequenced.txt"]
)
def test_a_link_out_of_the_study_is_refused(make_study, small, name):
    folder = make_study({name: None})
    outside = folder.parent / "outside.txt"
    outside.write_text(small[name])
    (folder / name).symlink_to(outside)
    with pytest.raises(InputError, match="is a link that leaves the study folder"):
        read_study(folder)


def test_a_link_within_the_study_and_a_linked_study_are_read(make_study):
    folder = make_study()
    (folder / "data_rppa.txt").rename(folder / "levels.txt")
    (folder / "data_rppa.txt").symlink_to("levels.txt")
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert read_study(link).rppa.shape == (2, 2)


def test_unknown_kinds_of_data_are_noted(make_study):
    meta = "genetic_alteration_type: METHYLATION\ndatatype: CONTINUOUS\ndata_filename: none.txt\n"
    study = read_study(make_study({"meta_methylation.txt": meta}))
    (note,) = [p for p in study.problems if p.file == "meta_methylation.txt"]
    assert note.severity == "note"
    assert "METHYLATION" in note.message


def test_a_line_without_a_colon_is_an_error(make_study, small):
    meta = small["meta_rppa.txt"] + "no colon here\n"
    with pytest.raises(InputError, match=r"meta_rppa.txt, line 6: 'no colon here' has no colon"):
        read_study(make_study({"meta_rppa.txt": meta}))


def test_without_meta_study_the_folder_gives_the_name(make_study):
    study = read_study(make_study({"meta_study.txt": None}))
    assert study.study_id == study.name == "small"
    assert any(p.severity == "warning" and "meta_study" in p.message for p in study.problems)


def test_digests_are_of_the_files_bytes(make_study):
    folder = make_study()
    digests = read_study(folder).digests
    written = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.txt")
    }
    assert digests == written
