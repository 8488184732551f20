"""Fixtures that every folder's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.builders.names import features_of_genes, marker_features
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.knowledge.signatures import SIGNATURE_TABLE
from sidestep.features.mechanisms.builder import level_genes
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.folds import Folds, donor_folds
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.predictor.drug_model import DrugModel, Gain
from sidestep.models.predictor.her2 import Her2Reference
from sidestep.models.predictor.known_lines import KnownLines
from sidestep.models.predictor.line_groups import LineGroups
from sidestep.models.predictor.predictor import PanelPredictor, ResponseScale
from sidestep.models.predictor.references import MechanismReference
from sidestep.models.reliability.applicability import NearestLines
from sidestep.models.reliability.intervals import held_out_errors, join_errors

if TYPE_CHECKING:
    from tests.cluster import Cluster

PredictorFactory = Callable[..., PanelPredictor]
SampleFactory = Callable[..., Study]

#: Seconds; a test that takes more is marked `slow`.
SLOW = 0.3


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow all cases but the first of what is quick in one case and slow in sum."""
    begun: set[str] = set()
    for item in items:
        if item.get_closest_marker("slow_but_first"):
            function = item.nodeid.partition("[")[0]
            if function in begun:
                item.add_marker(pytest.mark.slow)
            begun.add(function)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where durations are asked for, name the slow tests that are not marked so."""
    if terminalreporter.config.getoption("durations") is None:
        return
    unmarked = sorted(
        (
            report
            for report in terminalreporter.getreports("passed")
            if report.when == "call" and report.duration > SLOW and "slow" not in report.keywords
        ),
        key=lambda report: -report.duration,
    )
    if unmarked:
        terminalreporter.section(f"over {SLOW} s and not marked slow")
        for report in unmarked:
            terminalreporter.line(f"{report.duration:.2f}s {report.nodeid}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real data (`SIDESTEP_SHARED`, default ``../shared``); skips without it."""
    folder = Path(os.environ.get("SIDESTEP_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "studies").is_dir():
        pytest.skip(f"the real studies are not at {folder}; set SIDESTEP_SHARED to run this test")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Dask cluster of two processes with one thread each; a killed one comes again."""
    from tests.cluster import Cluster  # a second to import

    cluster = Cluster(2)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def few_trees() -> Iterator[None]:
    """Have what a module trains in this process grow 60 trees by default, not 200.

    Other processes grow all: it is for trainings with ``jobs=1``.
    """
    from sidestep.training.validation import search  # optuna takes a second to import

    ordinary, few = search.Settings, search.Settings({"n_trees": 60})
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(search._DEFAULTS, "n_trees", 60)
        patch.setattr(search, "Settings", lambda *given: ordinary(*given) if given else few)
        yield


@pytest.fixture(scope="session")
def fit_predictor() -> PredictorFactory:
    """Fit a small panel on a study, with two folds for intervals and percentiles."""

    def fit(
        study: Study,
        response: str,
        drugs: Sequence[str],
        modalities: Sequence[str] | None = None,
        clinical: Sequence[str] = (),
    ) -> PanelPredictor:
        splits = donor_folds(study.donors.loc[study.samples].to_numpy(dtype=object), 2, seed=0)
        joiner = FeatureJoiner(modalities, clinical).fit(study)
        joiners = {
            fold: FeatureJoiner(modalities, clinical).fit(study.select(study.samples[train]))
            for fold, (train, _) in enumerate(splits)
        }
        tables = {fold: fitted.transform(study) for fold, fitted in joiners.items()}
        features = joiner.transform(study)
        screen = study.response(response)
        nearest = NearestLines().fit(features, list(study.donors.loc[features.index]))
        folds = np.empty(len(features), int)
        for fold, (_, test) in enumerate(splits):
            folds[test] = fold
        return PanelPredictor(
            joiner=joiner,
            fold_joiners=joiners,
            drugs={
                name: _fit_drug(
                    name, screen.values[name], study.donors, features, dict(tables), splits
                )
                for name in drugs
            },
            nearest=nearest,
            known=KnownLines.of(study, nearest, features.index, folds),
            her2=Her2Reference.fit(study, features),
            groups=LineGroups.fit(study, features.index),
            mechanisms=MechanismReference.fit(study),
            scale=ResponseScale(
                screen.stable_id, screen.metric, screen.unit, screen.higher_is_resistant
            ),
            training={
                "study_id": study.study_id,
                "study_name": study.name,
                "simulated": study.simulated,
                "digests": dict(study.digests),
            },
        )

    return fit


def _fit_drug(
    name: str,
    response: pd.Series,
    donors: pd.Series,
    features: pd.DataFrame,
    tables: dict[int, pd.DataFrame],
    splits: Folds,
) -> DrugModel:
    """Fit one drug on all lines and without each fold's."""
    y = response.reindex(features.index)
    tested = np.flatnonzero(y.notna())
    drug = find_drug(name)
    genes = () if drug is None else (*drug.targets, *drug.partners)

    def blend(table: pd.DataFrame, rows: np.ndarray) -> PatternBlend:
        unfitted = PatternBlend(
            features_of_genes(table.columns, genes),
            marker_features("" if drug is None else drug.marker),
            inner_folds=2,
            tree_settings={"n_trees": 25, "n_features": 60},
        )
        index = table.index[rows]
        return unfitted.fit(table.loc[index], y.loc[index], donors.loc[index])

    fold_blends, errors = {}, []
    for fold, (train, test) in enumerate(splits):
        fold_blends[fold] = blend(tables[fold], np.intersect1d(train, tested))
        rows = np.intersect1d(test, tested)
        held_out = tables[fold].iloc[rows]
        known = tables[fold].iloc[np.intersect1d(train, tested)]
        nearest = NearestLines().fit(known, list(donors.loc[known.index]))
        observed = y.iloc[rows].to_numpy(float)
        errors.append(held_out_errors(fold_blends[fold], fold, nearest, held_out, observed, rows))
    return DrugModel(
        name=name,
        blend=blend(features, tested),
        fold_blends=fold_blends,
        errors=join_errors(errors),
        lines=tested,
        observed=y.iloc[tested].to_numpy(float),
        metrics={"blend": {"pearson": [0.5, 0.2, 0.7]}, "ridge": {"pearson": [0.4, 0.1, 0.6]}},
        # A drug of simulated noise: no model can predict it.
        gain=Gain("worse", 0.01, "marker", -0.1)
        if name.startswith("SIMNULL")
        else Gain("better", 0.99, "marker", 0.1),
    )


@pytest.fixture(scope="session")
def known_lines(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Simulated breast lines with every gene and antibody that the knowledge tables ask for."""
    folder = tmp_path_factory.mktemp("known_lines") / "study"
    simulate_study(folder, SimulationPlan(kind="breast", lines=40, genes=200, seed=5))
    study = read_study(folder)
    genes = [*level_genes(), *(m.gene for genes in SIGNATURE_TABLE.load().values() for m in genes)]
    return replace(
        study,
        expression=_with_more(study.expression, genes, centre=4.5),
        rppa=_with_more(study.rppa, ["BBC3", "DIABLO", "BCL2_pS70"], centre=0.0),
    )


def _with_more(table: pd.DataFrame, names: Sequence[str], centre: float) -> pd.DataFrame:
    """Table with random levels of the names that it lacks."""
    lacking = [name for name in dict.fromkeys(names) if name not in table]
    drawn = np.random.default_rng(0).normal(centre, 1.0, (len(table), len(lacking)))
    return pd.concat([table, pd.DataFrame(drawn, table.index, lacking)], axis=1)


@pytest.fixture(scope="session")
def construct(known_lines: Study) -> SampleFactory:
    """Construct an ordinary sample, median in all, that shows what a test asks for.

    Genes and antibodies named ``high`` (``low``) are above (below) every line, and so are all
    genes of a signature, in the direction of their sign; changes are ``"PIK3CA H1047R"``.
    """

    def make(
        high: Sequence[str] = (),
        low: Sequence[str] = (),
        signatures: Sequence[str] = (),
        changes: Sequence[str] = (),
        fusions: Sequence[tuple[str, str]] = (),
        copies: Mapping[str, float] | None = None,
        classification: str = "Missense_Mutation",
    ) -> Study:
        name = pd.Index(["S"], dtype="str", name="sample_id")
        members = [member for name in signatures for member in SIGNATURE_TABLE.load()[name]]
        up = {*high, *(member.gene for member in members if member.sign > 0)}
        down = {*low, *(member.gene for member in members if member.sign < 0)}
        calls = [("S", *change.split(" "), classification) for change in changes]
        return replace(
            known_lines.select(known_lines.samples[:1]),
            samples=name,
            donors=pd.Series(["S"], index=name),
            clinical=pd.DataFrame(index=name),
            expression=_ordinary(known_lines.expression, name, up, down),
            rppa=_ordinary(known_lines.rppa, name, up, down),
            mutations=pd.DataFrame(
                calls, columns=["sample_id", "gene", "protein_change", "classification"]
            ).astype("str"),
            sequenced=name,
            panel_of=pd.Series([None], index=name, dtype="str"),
            panels={},
            copy_number=pd.DataFrame({"ERBB2": 0.0, "PTEN": 0.0} | dict(copies or {}), index=name),
            fusions=pd.DataFrame(
                [("S", *genes) for genes in fusions], columns=["sample_id", "gene_a", "gene_b"]
            ).astype("str"),
        )

    return make


def _ordinary(lines: pd.DataFrame, name: pd.Index, high: set[str], low: set[str]) -> pd.DataFrame:
    """Medians of the lines, but for what is high or low."""
    levels = lines.median()
    levels.update(lines.max()[lines.columns.isin(high)] + 1.0)
    levels.update(lines.min()[lines.columns.isin(low)] - 1.0)
    return pd.DataFrame([levels.to_numpy()], index=name, columns=lines.columns)


@pytest.fixture(scope="session")
def known_predictor(known_lines: Study, fit_predictor: PredictorFactory) -> PanelPredictor:
    """Predictor of one drug that learned from `known_lines`."""
    return fit_predictor(known_lines, "gi50", ["Lapatinib"], ["rppa"])
