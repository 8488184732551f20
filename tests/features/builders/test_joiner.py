"""The joined matrix: all blocks side by side, frozen, with each sample's coverage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sklearn.exceptions import NotFittedError

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.builders.joiner import FeatureJoiner, coverage
from sidestep.features.builders.names import features_of_genes, gene_of, modality_of
from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("joiner") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=36, genes=120, seed=1))
    return read_study(folder)


@pytest.fixture(scope="module")
def joiner(study: Study) -> FeatureJoiner:
    return FeatureJoiner(clinical=["SUBTYPE"]).fit(study.select(list(study.samples[:28])))


@pytest.fixture(scope="module")
def gappy(study: Study) -> list[str]:
    """Return samples that lack a modality, one a modality at least, and two that lack none."""
    profiled = study.profiled()
    lacking = {m: [s for s in study.samples if s not in have] for m, have in profiled.items()}
    whole = [s for s in study.samples if all(s in have for have in profiled.values())]
    assert lacking["rppa"]
    assert lacking["mutation"]
    assert lacking["copy_number"]
    return list(dict.fromkeys([*whole[:2], *(s for some in lacking.values() for s in some[:2])]))


def test_blocks_stand_side_by_side_in_a_fixed_order(study, joiner):
    features = joiner.transform(study)
    assert list(features.index) == list(study.samples)
    assert list(features.columns) == list(joiner.get_feature_names_out())
    assert features.columns.is_unique
    assert list(dict.fromkeys(joiner.modality_)) == [
        "expression", "rppa", "mutation", "copy_number", "clinical",
    ]  # fmt: skip


def test_a_sample_is_the_same_alone_in_a_batch_and_in_any_order(study, joiner, gappy):
    batch = joiner.transform(study)
    assert_frame_equal(joiner.transform(study.select(list(study.samples[::-1]))), batch[::-1])
    for sample in gappy:
        alone = joiner.transform(study.select([sample]))
        assert_frame_equal(alone, batch.loc[[sample]], check_exact=True)


def test_a_sample_that_lacks_a_modality_has_nan_there_and_only_there(study, joiner, gappy):
    share = coverage(joiner.transform(study.select(gappy)))
    for modality, samples in study.profiled().items():
        has = pd.Series(np.isin(gappy, samples), index=gappy)
        assert (share.loc[~has, modality] == 0).all()
        assert (share.loc[has, modality] > 0.9).all()


def test_coverage_is_the_share_of_measured_features():
    features = pd.DataFrame(
        [[1.0, np.nan, 0.0], [np.nan, np.nan, np.nan]],
        index=["a", "b"],
        columns=["rppa:A", "rppa:B", "mutation:C"],
    )
    expected = pd.DataFrame({"rppa": [0.5, 0.0], "mutation": [1.0, 0.0]}, index=["a", "b"])
    assert_frame_equal(coverage(features), expected)


def test_a_state_restores_the_joiner(study, joiner):
    restored = FeatureJoiner.from_state(joiner.get_state())
    assert_frame_equal(restored.transform(study), joiner.transform(study), check_exact=True)
    assert list(restored.get_params()["modalities"]) == [
        "expression",
        "rppa",
        "mutation",
        "copy_number",
    ]
    assert list(restored.get_params()["clinical"]) == ["SUBTYPE"]


def test_the_order_of_a_states_parts_does_not_matter(study, joiner):
    """A model knows its columns by place: a file that sorts its keys must not move them."""
    state = joiner.get_state()
    restored = FeatureJoiner.from_state({name: state[name] for name in sorted(state)})
    assert_frame_equal(restored.transform(study), joiner.transform(study), check_exact=True)


def test_a_state_holds_plain_values_and_numeric_arrays(joiner):
    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            assert np.issubdtype(value.dtype, np.number)
            return value.shape
        raise TypeError(f"{type(value)} is neither plain nor an array")

    assert json.loads(json.dumps(joiner.get_state(), default=plain)).keys() == {
        "expression", "rppa", "mutation", "copy_number", "clinical",
    }  # fmt: skip


def test_modalities_can_be_chosen(study):
    joiner = FeatureJoiner(modalities=["copy_number", "rppa"]).fit(study)
    assert list(dict.fromkeys(joiner.modality_)) == ["rppa", "copy_number"]


def test_a_modality_that_no_training_line_has_is_left_out(study):
    without = [s for s in study.samples if s not in study.profiled()["mutation"]]
    joiner = FeatureJoiner().fit(study.select(without))
    assert "mutation" not in set(joiner.modality_)
    assert "expression" in set(joiner.modality_)


def test_a_modality_asked_for_must_be_there(study):
    bare = replace(study, rppa=None)
    with pytest.raises(InputError, match="no sample has RPPA data"):
        FeatureJoiner(modalities=["rppa"]).fit(bare)


def test_an_unknown_modality_is_refused(study):
    with pytest.raises(InputError, match="unknown modality proteome; choose from expression, rppa"):
        FeatureJoiner(modalities=["proteome"]).fit(study)


def test_a_study_without_molecular_data_is_refused(study):
    bare = replace(
        study, expression=None, rppa=None, mutations=None, sequenced=None, copy_number=None
    )
    with pytest.raises(InputError, match="nothing to train on"):
        FeatureJoiner().fit(bare)


class AboveTypical(FeatureBuilder):
    """Which of some genes are above their median in the training lines."""

    modality: ClassVar[str] = "expression"

    def __init__(self, genes: tuple[str, ...] = ("ERBB2", "PLK1"), mark: str = ":above") -> None:
        self.genes = genes
        self.mark = mark

    def fit(self, X: Study, y: object = None) -> Self:
        self.median_ = X.expression[list(self.genes)].median().to_numpy()
        self.feature_names_ = [f"expression:{gene}{self.mark}" for gene in self.genes]
        return self

    def _measured(self, X: Study) -> pd.DataFrame:
        above = X.expression[list(self.genes)] > self.median_
        return above.astype(float).set_axis(self.feature_names_, axis=1)


class Unknown(AboveTypical):
    modality = "proteome"


class Misnamed(AboveTypical):
    modality = "rppa"


def test_a_builder_of_ones_own_stands_after_the_others(study):
    train = study.select(list(study.samples[:28]))
    own = AboveTypical()
    joiner = FeatureJoiner(["rppa", "expression"], ["SUBTYPE"], extra=[own]).fit(train)
    features = joiner.transform(study)
    names = ["expression:ERBB2:above", "expression:PLK1:above"]
    assert list(features.columns[-2:]) == names
    assert joiner.modality_[names].tolist() == ["expression", "expression"]
    # Frozen on the training lines, as the others are.
    medians = train.expression[["ERBB2", "PLK1"]].median()
    expected = (study.expression[["ERBB2", "PLK1"]] > medians).astype(float)
    assert (features.loc[expected.index, names].to_numpy() == expected.to_numpy()).all()
    without = FeatureJoiner(["rppa", "expression"], ["SUBTYPE"]).fit(train).transform(study)
    assert_frame_equal(features.drop(columns=names), without, check_exact=True)
    assert not hasattr(own, "median_")  # a copy was fitted


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ([Unknown()], "builder Unknown has the modality 'proteome', of which no model knows"),
        ([Misnamed()], "builder Misnamed names a feature 'expression:ERBB2:above'; begin"),
        ([AboveTypical(mark="")], "'expression:ERBB2', which there is already"),
        ([AboveTypical(), AboveTypical(("PLK1",))], "'expression:PLK1:above', which there is"),
    ],
)
def test_features_that_a_model_could_not_tell_are_refused(study, extra, said):
    with pytest.raises(InputError, match=said):
        FeatureJoiner(["expression"], extra=extra).fit(study)


def test_features_of_ones_own_are_not_saved(study):
    """A saved model is loaded without running code, so it could not build them."""
    joiner = FeatureJoiner(["expression"], extra=[AboveTypical()]).fit(study)
    with pytest.raises(InputError, match="features of AboveTypical cannot be saved"):
        joiner.get_state()


def test_a_joiner_must_be_fitted(study):
    with pytest.raises(NotFittedError):
        FeatureJoiner().transform(study)


@pytest.mark.parametrize(
    ("feature", "modality", "gene"),
    [
        ("expression:ERBB2", "expression", "ERBB2"),
        ("expression:HLA-A", "expression", "HLA-A"),
        ("rppa:ERBB2", "rppa", "ERBB2"),
        ("rppa:ERBB2_pY1248", "rppa", "ERBB2"),
        ("rppa:ERBB2_pY1248/ERBB2", "rppa", "ERBB2"),
        ("mutation:TP53", "mutation", "TP53"),
        ("mutation:PIK3CA:hotspot", "mutation", "PIK3CA"),
        ("mutation:burden", "mutation", None),
        ("copy_number:ERBB2", "copy_number", "ERBB2"),
        ("clinical:LINEAGE=breast", "clinical", None),
    ],
)
def test_a_features_name_tells_its_modality_and_gene(feature, modality, gene):
    assert (modality_of(feature), gene_of(feature)) == (modality, gene)


def test_every_feature_of_a_simulated_study_measures_a_gene_or_is_known_not_to(joiner):
    genes = {name: gene_of(name) for name in joiner.get_feature_names_out()}
    nameless = {name for name, gene in genes.items() if gene is None}
    assert {modality_of(name) for name in nameless} == {"mutation", "clinical"}
    assert len([name for name in nameless if modality_of(name) == "mutation"]) == 1


def test_features_of_genes_keeps_the_order_of_the_columns():
    columns = ["expression:EGFR", "rppa:ERBB2_pY1248", "mutation:burden", "copy_number:EGFR"]
    assert features_of_genes(columns, ["ERBB2", "EGFR"]) == [columns[0], columns[1], columns[3]]
    assert features_of_genes(columns, []) == []
