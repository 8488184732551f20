"""In which scale expression, copy number and protein levels are read, whatever is declared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.knowledge.symbols import symbol_table
from sidestep.features.study.study import Study, read_study

SAMPLES = ["SKBR3", "AU565", "697", "X4"]
DNA = "data_cna.txt"


@pytest.fixture(scope="module")
def genes() -> list[str]:
    """Genes that everyone knows."""
    return sorted(symbol_table().approved)[:400]


@pytest.fixture(scope="module")
def levels(genes: list[str]) -> pd.DataFrame:
    """Log2 expression, from 0 to 14."""
    rng = np.random.default_rng(0)
    typical = np.clip(rng.normal(4, 3, (len(genes), 1)), 0, 11)
    values = np.clip(typical + rng.normal(0, 1, (len(genes), len(SAMPLES))), 0, None)
    return pd.DataFrame(values, index=genes, columns=SAMPLES)


@pytest.fixture(scope="module")
def copies(genes: list[str]) -> pd.DataFrame:
    """Copies of genes, 2 for most and 20 for a few."""
    rng = np.random.default_rng(1)
    values = rng.choice([0, 1, 2, 3, 4, 20], (len(genes), 4), p=[0.01, 0.15, 0.6, 0.18, 0.05, 0.01])
    return pd.DataFrame(values.astype(float), index=genes, columns=SAMPLES)


Read = Callable[..., Study]


@pytest.fixture
def read(make_study, small) -> Read:
    """Read the small study with another matrix, and other words in its meta file."""

    def _read(
        meta: str, table: pd.DataFrame, datatype: str, says: str = "", **fields: str
    ) -> Study:
        old = small[meta].splitlines()
        lines = [f"datatype: {datatype}" if line.startswith("datatype") else line for line in old]
        lines += [f"profile_description: {says}", *(f"{k}: {v}" for k, v in fields.items())]
        text = table.round(4).rename_axis("Hugo_Symbol").to_csv(sep="\t")
        data = meta.replace("meta", "data")
        return read_study(make_study({meta: "\n".join(lines) + "\n", data: text}))

    return _read


def _account(study: Study, file: str) -> str:
    (one,) = [f"{a.unit}; {a.decided_by}" for a in study.account if a.file == file]
    return one


def _warned(study: Study, words: str) -> bool:
    return any(words in p.message for p in study.problems if p.severity == "warning")


@pytest.mark.parametrize("samples", [slice(None), slice(0, 1)], ids=["four", "one"])
@pytest.mark.parametrize("unit", ["RSEM", "RPKM", "TPM", "FPKM", "CPM"])
def test_linear_expression_is_logged_once_on_reading(read, levels, unit, samples) -> None:
    linear = (2**levels - 1).iloc[:, samples]
    study = read("meta_expression.txt", linear, "CONTINUOUS", f"RNA-seq, {unit}")
    found = study.expression.T.loc[levels.index, linear.columns]
    np.testing.assert_allclose(found, levels.iloc[:, samples], atol=1e-3)
    assert study.expression_kind == "continuous"
    assert _account(study, "data_expression.txt").startswith(f"log2({unit} + 1); values up to")


@pytest.mark.parametrize("samples", [slice(None), slice(0, 1)], ids=["four", "one"])
def test_logarithms_stay_as_they_are(read, levels, samples) -> None:
    table = levels.iloc[:, samples]
    study = read("meta_expression.txt", table, "CONTINUOUS", "log2 TPM")
    found = study.expression.T.loc[table.index, table.columns]
    np.testing.assert_allclose(found, table, atol=1e-3)
    assert not any(problem.severity == "warning" for problem in study.problems)


def test_raw_levels_declared_z_scores_are_levels(read, levels) -> None:
    for table in (levels, 2**levels):
        study = read("meta_expression.txt", table, "Z-SCORE")
        assert study.expression_kind == "continuous"
        assert _warned(study, "is declared as z-scores")
        assert study.expression.max(axis=None) < 16


@pytest.mark.parametrize("samples", [slice(None), slice(0, 1)], ids=["four", "one"])
def test_z_scores_declared_continuous_are_z_scores(read, levels, samples) -> None:
    scores = pd.DataFrame(
        np.random.default_rng(3).standard_normal(levels.shape), levels.index, levels.columns
    ).iloc[:, samples]
    study = read("meta_expression.txt", scores, "CONTINUOUS")
    assert study.expression_kind == "z-score"
    assert _warned(study, "is read as z-scores and not as levels")
    declared = read("meta_expression.txt", scores, "Z-SCORE")
    assert declared.expression_kind == "z-score"
    assert not _warned(declared, "z-scores")


def test_a_failed_library_is_set_aside(read, levels) -> None:
    table = levels.assign(X4=0.0)
    table.loc[table.index[:3], "X4"] = 5.0
    study = read("meta_expression.txt", table, "CONTINUOUS")
    assert list(study.expression.index) == ["SKBR3", "AU565", "697"]
    assert list(study.failed) == ["X4"]
    assert "is flat" in study.failed["X4"]
    assert _warned(study, "1 sample(s) have nearly the same value for all features")
    assert study.select(["SKBR3"]).failed == {}
    assert study.select(["X4"]).failed == study.failed


SPELLINGS = {
    "log2 ratios": (lambda c: np.log2(c.clip(lower=0.1) / 2), "LOG2-VALUE", "log2 ratio"),
    "copies": (lambda c: c, "CONTINUOUS", "absolute copy number"),
    "copies, no words": (lambda c: c, "LOG2-VALUE", ""),
    "ratios": (lambda c: c / 2, "CONTINUOUS", "copy number ratio"),
    "ratios, no words": (lambda c: c / 2, "LOG2-VALUE", ""),
    "log2(ratio+1)": (lambda c: np.log2(c / 2 + 1), "LOG2-VALUE", "log2(ratio+1)"),
    "copies less two": (lambda c: c - 2, "CONTINUOUS", "Relative linear copy-number values"),
}


@pytest.mark.slow_but_first
@pytest.mark.parametrize("samples", [slice(None), slice(0, 1)], ids=["four", "one"])
@pytest.mark.parametrize("spelling", list(SPELLINGS))
def test_copy_number_is_the_same_however_it_is_spelt(read, copies, spelling, samples) -> None:
    spell, datatype, says = SPELLINGS[spelling]
    table = copies.iloc[:, samples]
    study = read("meta_cna.txt", spell(table), datatype, says)
    assert study.copy_number_kind == "log2"
    found = study.copy_number.T.loc[table.index, table.columns]
    np.testing.assert_allclose(found, np.log2(table.clip(lower=0.1) / 2), atol=1e-3)
    assert _account(study, DNA).startswith("log2 ratio; ")


def test_ratios_that_may_be_logarithms_are_refused(read, copies) -> None:
    with pytest.raises(InputError, match=r"data_cna.txt holds ratios .* into the profile_desc"):
        read("meta_cna.txt", copies.clip(upper=4) / 2, "LOG2-VALUE")


def test_twelve_copies_of_a_few_genes_are_no_log2_ratio(make_study, small) -> None:
    meta = small["meta_cna.txt"].replace("DISCRETE", "LOG2-VALUE")
    rows = "Hugo_Symbol\tSKBR3\t697\nERBB2\t12\t2\nTP53\t2\t1\n"
    with pytest.raises(InputError, match=r"data_cna.txt reaches 12, .* 'absolute copy number'"):
        read_study(make_study({DNA: rows, "meta_cna.txt": meta}))
    says = meta + "profile_description: Absolute copy number\n"
    study = read_study(make_study({DNA: rows, "meta_cna.txt": says}))
    assert study.copy_number.at["SKBR3", "ERBB2"] == pytest.approx(np.log2(6))


def test_calls_are_calls_whatever_is_declared(read, copies) -> None:
    calls = np.clip(copies - 2, -2, 2)
    assert read("meta_cna.txt", calls, "DISCRETE").copy_number_kind == "discrete"
    study = read("meta_cna.txt", calls, "LOG2-VALUE")
    assert study.copy_number_kind == "discrete"
    assert _warned(study, "it is read as calls")


def test_copies_declared_as_calls_are_copies(read, copies) -> None:
    for table in (copies, copies.clip(upper=2)):
        study = read("meta_cna.txt", table, "DISCRETE")
        assert study.copy_number_kind == "log2"
        assert _warned(study, "declared DISCRETE")
        assert study.copy_number.stack().median() == 0


def test_duplicate_rows_of_calls_are_not_averaged(make_study, small) -> None:
    rows = "Hugo_Symbol\tSKBR3\t697\nERBB2\t2\t0\nERBB2\t0\t-1\nTP53\t-1\t2\nTP53\t1\t2\n"
    study = read_study(make_study({DNA: rows}))
    assert study.copy_number.at["SKBR3", "ERBB2"] == 2
    assert study.copy_number.at["697", "ERBB2"] == -1
    assert np.isnan(study.copy_number.at["SKBR3", "TP53"])
    assert study.copy_number.at["697", "TP53"] == 2
    log2 = small["meta_cna.txt"].replace("DISCRETE", "LOG2-VALUE")
    averaged = read_study(make_study({DNA: rows, "meta_cna.txt": log2}))
    assert averaged.copy_number.at["SKBR3", "ERBB2"] == 1


def test_standardised_protein_levels_are_z_scores() -> None:
    rng = np.random.default_rng(0)
    names = ["ERBB2|HER2", "ERBB2|HER2_pY1248", "EGFR|EGFR", "AKT1|Akt_pS473"]
    raw = pd.DataFrame(rng.normal(1, 2, (20, 4)), index=[f"S{n}" for n in range(20)], columns=names)
    assert Study.from_frames(rppa=raw).rppa_kind == "log2"
    study = Study.from_frames(rppa=(raw - raw.mean()) / raw.std())
    assert study.rppa_kind == "z-score"
    assert _warned(study, "of which no ratios are built")


def test_linear_protein_levels_are_logged() -> None:
    rng = np.random.default_rng(0)
    names = ["ERBB2|HER2", "EGFR|EGFR"]
    raw = pd.DataFrame(rng.uniform(5, 12, (20, 2)), index=[f"S{n}" for n in range(20)])
    study = Study.from_frames(rppa=(2**raw - 1).set_axis(names, axis=1))
    np.testing.assert_allclose(study.rppa, raw)
