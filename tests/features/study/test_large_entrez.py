"""Entrez identifiers that no gene has are named with file and row, whatever file they stand in."""

from __future__ import annotations

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.gene_names import split_names

HUGE = ["9223372036854775808", "9" * 30, "9" * 5000, "1e300", "inf", "2147483648", "2064.5"]


@pytest.mark.parametrize("number", HUGE)
@pytest.mark.parametrize("file", ["data_expression.txt", "data_mutations.txt"])
def test_an_identifier_that_is_none_is_named(make_study, small, file: str, number: str) -> None:
    gene = {"data_expression.txt": "2064", "data_mutations.txt": "5290"}[file]
    folder = make_study({file: small[file].replace(gene, number)})
    with pytest.raises(InputError, match=rf"{file}, line .*not an Entrez gene identifier; write"):
        read_study(folder)


@pytest.mark.parametrize("number", ["9" * 12, "9" * 5000])
def test_a_name_that_is_a_large_number_is_a_name(number: str) -> None:
    names = pd.Series([number, f"ERBB2 ({number})"])
    symbols, entrez = split_names(names)
    assert (list(symbols), entrez.notna().any()) == (list(names), False)
