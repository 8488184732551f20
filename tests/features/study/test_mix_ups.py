"""Files that can be read and are not what their meta file says: on their side, or swapped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.check import check_study
from sidestep.features.study.study import read_study

EXPRESSION, RPPA, COPIES = "data_mrna_seq_fpkm.txt", "data_rppa.txt", "data_log2_cna.txt"
RESPONSE = "data_treatment_gi50.txt"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    simulate_study(tmp_path / "study", SimulationPlan(lines=24, genes=120))
    return tmp_path / "study"


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def write(path: Path, content: pd.DataFrame) -> None:
    content.to_csv(path, sep="\t", index=False)


def transpose(path: Path) -> None:
    content = table(path)
    turned = content.set_index(content.columns[0]).drop(columns=_second_names(content)).T
    write(path, turned.rename_axis(index=content.columns[0]).reset_index())


def _second_names(content: pd.DataFrame) -> list[str]:
    return [c for c in content.columns[1:] if c in ("Entrez_Gene_Id", "NAME", "DESCRIPTION", "URL")]


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize(
    ("name", "feature"),
    [(EXPRESSION, "gene"), (COPIES, "gene"), (RPPA, "antibody"), (RESPONSE, "drug")],
)
def test_a_transposed_matrix_is_refused(study: Path, name: str, feature: str) -> None:
    transpose(study / name)
    with pytest.raises(InputError, match=rf"{name} lies on its side: .* one {feature} and each"):
        read_study(study)
    assert [problem.file for problem in check_study(study).errors] == [name]


@pytest.mark.parametrize(
    ("name", "column"), [(EXPRESSION, "ERBB2"), (COPIES, "ERBB2"), (RPPA, r"ERBB2\|HER2.*")]
)
def test_without_a_clinical_file_the_features_tell(study: Path, name: str, column: str) -> None:
    """No sample is known by name, but genes and antibodies are."""
    kept = {name, f"meta_{name.removeprefix('data_')}"}
    for path in study.glob("*.txt"):
        if path.name not in kept:
            path.unlink()
    assert len(read_study(study).samples) > 10
    transpose(study / name)
    with pytest.raises(InputError, match=rf"lies on its side: .*\(column {column}, for one\)"):
        read_study(study)


def test_one_sample_on_its_side_is_refused_too(study: Path) -> None:
    content = table(study / EXPRESSION)
    write(study / EXPRESSION, content.iloc[:, :3])
    assert len(read_study(study).expression) == 1
    transpose(study / EXPRESSION)
    with pytest.raises(InputError, match="lies on its side"):
        read_study(study)


def test_samples_that_the_clinical_file_lacks_are_no_sign_of_it(study: Path) -> None:
    content = table(study / EXPRESSION)
    others = {name: f"OTHER{at}" for at, name in enumerate(content.columns[2:])}
    write(study / EXPRESSION, content.rename(columns=others))
    assert list(read_study(study).expression.index) == list(others.values())


def test_samples_named_like_genes_are_no_sign_of_it(study: Path) -> None:
    """Entrez identifiers name no gene of the tables, and some lines are called as genes are."""
    content = table(study / EXPRESSION).drop(columns="Hugo_Symbol")
    others = dict(zip(content.columns[1:], ["MET", "KIT", "ALK", "SRC"], strict=False))
    write(study / EXPRESSION, content.rename(columns=others))
    assert {"MET", "KIT", "ALK", "SRC"} <= set(read_study(study).expression.index)


def test_swapped_expression_and_copy_number_are_refused(study: Path) -> None:
    swap(study / EXPRESSION, study / COPIES)
    with pytest.raises(InputError, match=rf"{COPIES} holds no log2 ratios of copies"):
        read_study(study)


def test_swapped_z_scores_and_copy_number_are_refused(study: Path) -> None:
    content = table(study / EXPRESSION)
    levels = content.iloc[:, 2:].astype(float)
    centred = levels.sub(levels.mean(axis=1), axis=0).div(levels.std(axis=1), axis=0)
    write(study / EXPRESSION, pd.concat([content.iloc[:, :2], centred.round(3)], axis=1))
    meta = study / EXPRESSION.replace("data", "meta")
    meta.write_text(meta.read_text().replace("CONTINUOUS", "Z-SCORE"))
    assert read_study(study).expression_kind == "z-score"
    swap(study / EXPRESSION, study / COPIES)
    with pytest.raises(InputError, match=f"{COPIES} and {EXPRESSION} seem swapped"):
        read_study(study)


def test_discrete_copy_number_holds_calls_and_nothing_else(study: Path) -> None:
    meta = study / COPIES.replace("data", "meta")
    meta.write_text(meta.read_text().replace("LOG2-VALUE", "DISCRETE"))
    content = table(study / COPIES)
    calls = content.iloc[:, 2:].astype(float).round().clip(-2, 2)
    write(study / COPIES, pd.concat([content.iloc[:, :2], calls], axis=1))
    assert read_study(study).copy_number_kind == "discrete"
    calls.iloc[0, 0] = 0.7
    write(study / COPIES, pd.concat([content.iloc[:, :2], calls], axis=1))
    said = rf"{COPIES}, gene ERBB2, sample \S+: 0\.7 is no copy-number call .* 'datatype: LOG2"
    with pytest.raises(InputError, match=said):
        read_study(study)
    calls.iloc[0, 0] = 1
    write(study / COPIES, pd.concat([content.iloc[:, :2], calls], axis=1))
    swap(study / EXPRESSION, study / COPIES)
    with pytest.raises(InputError, match=f"{EXPRESSION} holds copy-number calls"):
        read_study(study)


@pytest.mark.parametrize("order", [1, -1])
def test_the_same_values_in_both_files_are_refused(study: Path, order: int) -> None:
    write(study / EXPRESSION, table(study / COPIES).iloc[::order])
    with pytest.raises(InputError, match=f"{COPIES} and {EXPRESSION} hold the same values"):
        read_study(study)


def test_a_data_file_of_two_meta_files_is_refused(study: Path) -> None:
    meta = study / COPIES.replace("data", "meta")
    meta.write_text(meta.read_text().replace(COPIES, EXPRESSION))
    owner = EXPRESSION.replace("data", "meta")
    said = f"{meta.name} names {EXPRESSION}, the data file of {owner}"
    with pytest.raises(InputError, match=said):
        read_study(study)


def test_an_amplified_sample_reads_alone_as_in_a_batch(study: Path) -> None:
    """Copies that vary as much as in the most disordered genomes are no sign of a swap."""
    content = table(study / COPIES)
    rng = np.random.default_rng(0)
    copies = rng.normal(0, 1.5, (len(content), 1)).clip(-5, 5).round(3)
    one = pd.DataFrame(copies, columns=content.columns[2:3])
    write(study / COPIES, pd.concat([content.iloc[:, :2], one], axis=1))
    assert read_study(study).copy_number.shape == (1, len(content))
