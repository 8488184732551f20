"""Files that are not what they seem get a hint that is right."""

from __future__ import annotations

import gzip

import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study

EXPRESSION = "data_expression.txt"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12345\n".format("0" * 64)


@pytest.mark.parametrize("name", [EXPRESSION, "data_expression.parquet", "data_expression.h5ad"])
def test_a_pointer_of_git_lfs_is_no_file(make_study, small, name) -> None:
    meta = small["meta_expression.txt"].replace(EXPRESSION, name)
    folder = make_study({EXPRESSION: None, "meta_expression.txt": meta, name: POINTER})
    with pytest.raises(InputError, match=rf"{name} is a pointer of Git LFS .* `git lfs pull`"):
        read_study(folder)


def test_a_pointer_of_git_annex_is_no_file(make_study) -> None:
    folder = make_study({"data_mutations.txt": "/annex/objects/MD5E-s12--0123.txt\n"})
    with pytest.raises(InputError, match=r"pointer of git-annex .* `git annex get`"):
        read_study(folder)


@pytest.mark.parametrize("name", [EXPRESSION, "data_mutations.txt", "meta_rppa.txt"])
def test_gzip_under_another_name_is_told(make_study, small, name) -> None:
    folder = make_study({name: gzip.compress(small[name].encode())})
    with pytest.raises(InputError, match=rf"{name} is gzip-compressed, .* name it {name}.gz"):
        read_study(folder)


def test_a_quoted_header_is_told(make_study, small) -> None:
    quoted = '"Hugo_Symbol"\t"697"\n"ERBB2"\t1\n'
    hint = r'header in quotes \("Hugo_Symbol"\).*quote = FALSE, row.names = FALSE'
    with pytest.raises(InputError, match=hint):
        read_study(make_study({EXPRESSION: quoted}))


@pytest.mark.parametrize(("sign", "what"), [(",", "commas"), (";", "semicolons")])
def test_other_separators_are_told(make_study, small, sign, what) -> None:
    text = small[EXPRESSION].replace("\t", sign)
    with pytest.raises(InputError, match=f"single column, and {what} .* by tabs"):
        read_study(make_study({EXPRESSION: text}))


def test_censored_values_name_the_datatype(make_study, small) -> None:
    changes = {
        "meta_treatment_gi50.txt": small["meta_treatment_gi50.txt"].replace(
            "LIMIT-VALUE", "CONTINUOUS"
        ),
        "data_treatment_gi50.txt": small["data_treatment_gi50.txt"].replace("4.5", ">10"),
    }
    study = read_study(make_study(changes))
    with pytest.raises(InputError, match=r"column 697: '>10' is not .* 'datatype: LIMIT-VALUE'"):
        study.response("gi50")
