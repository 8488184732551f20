"""Base of logarithms: e and 10 are told apart from 2, or named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.knowledge.symbols import symbol_table
from sidestep.features.study.meta import Meta
from sidestep.features.study.profiles import Profile
from sidestep.features.study.scales import FACTORS, declared_base
from sidestep.features.study.study import Study

LOGS = {"log2": np.log2, "ln": np.log, "log10": np.log10}


@pytest.fixture(scope="module")
def tpm() -> pd.DataFrame:
    """TPM of three samples and 5,200 genes, which add up to a million."""
    genes = sorted(symbol_table().chromosomes)[:5200]
    levels = np.random.default_rng(0).normal(3, 3, (3, len(genes)))
    linear = np.clip(2**levels - 1, 0, None)
    return pd.DataFrame(1e6 * linear / linear.sum(axis=1, keepdims=True), ["A", "B", "C"], genes)


@pytest.mark.parametrize("n_samples", [1, 3])
@pytest.mark.parametrize("base", LOGS)
def test_a_base_that_totals_show_is_converted(tpm, base, n_samples):
    linear = tpm.iloc[:n_samples]
    study = Study.from_frames(expression=LOGS[base](linear + 1))
    np.testing.assert_allclose(study.expression[tpm.columns], np.log2(linear + 1), atol=1e-9)
    (account,) = study.account
    assert account.decided_by.startswith(f"{base}: its values, as {base}, add up to 1,000,000")


def test_counts_of_cells_scaled_to_ten_thousand_are_natural_logarithms(tpm):
    study = Study.from_frames(expression=np.log1p(tpm / 100))
    np.testing.assert_allclose(study.expression[tpm.columns], np.log2(tpm / 100 + 1), atol=1e-9)


def test_a_part_of_the_genes_shows_no_base_and_is_named(tpm):
    part = tpm.iloc[:, :5100] / 2
    study = Study.from_frames(expression=np.log10(part + 1))
    np.testing.assert_allclose(study.expression[part.columns], np.log10(part + 1))
    assert any("is little for log2 expression" in p.message for p in study.problems)
    plain = Study.from_frames(expression=np.log2(part + 1))
    assert not any(p.severity == "warning" for p in plain.problems)


@pytest.mark.parametrize(
    ("words", "base"),
    [
        ("log10(FPKM + 1)", "log10"),
        ("ln(TPM+1)", "ln"),
        ("Natural log of intensities", "ln"),
        ("log1p of counts", "ln"),
        ("log2 TPM", "log2"),
        ("LN and liver metastases, log2", "log2"),
    ],
)
def test_words_of_a_meta_file_say_the_base(words, base, tmp_path):
    for kind in ("MRNA_EXPRESSION", "PROTEIN_LEVEL", "COPY_NUMBER_ALTERATION"):
        fields = {"genetic_alteration_type": kind, "profile_description": words}
        assert declared_base(Profile.of(Meta("meta_x.txt", tmp_path, fields, ""))) == base


def test_factors_make_log2():
    for base, factor in FACTORS.items():
        assert LOGS[base](8.0) * factor == pytest.approx(3.0)
