"""The pictures of a retrain: what they show, and that they can be kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shap
from matplotlib._pylab_helpers import Gcf
from matplotlib.figure import Figure

from sidestep.features.builders.names import modality_of
from sidestep.models.predictor.shap_values import shap_explanation
from sidestep.training.reports.figures import (
    draw_drug,
    draw_panel,
    modality_shares,
    optuna_history,
    panel_overview,
    predicted_vs_observed,
    residuals,
    shap_summary,
)
from sidestep.training.reports.tables import headline
from sidestep.training.retrain import Retrain
from sidestep.training.validation.search import SearchResult

DRUG = "Lapatinib"


@pytest.fixture(scope="module")
def matrix(retrained: Retrain) -> pd.DataFrame:
    """Features of the drug's training lines."""
    lines = retrained.validation.predictions.query("drug == @DRUG")["sample_id"]
    return retrained.validation.features.loc[list(lines)]


@pytest.fixture(scope="module")
def explanation(retrained: Retrain, matrix: pd.DataFrame) -> shap.Explanation:
    return shap_explanation(retrained.predictor, retrained.predictor.drugs[DRUG], matrix)


@pytest.fixture(scope="module")
def contributions(explanation: shap.Explanation, matrix: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(explanation.values, matrix.index, matrix.columns)


@pytest.fixture(scope="module")
def held_out(retrained: Retrain) -> pd.DataFrame:
    return retrained.validation.predictions.query("drug == @DRUG").set_index("sample_id")


def tick_labels(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def dots(figure: Figure) -> np.ndarray:
    return np.vstack([drawn.get_offsets() for drawn in figure.axes[0].collections])


@pytest.mark.slow
def test_pictures_are_png_files_of_a_readable_size(retrained: Retrain, tmp_path: Path) -> None:
    draw_panel(retrained, tmp_path)
    draw_drug(retrained, DRUG, tmp_path)
    pictures = sorted(tmp_path.iterdir())
    assert [path.name for path in pictures] == [
        "modality_shares.png",
        "optuna_history.png",
        "panel_overview.png",
        "predicted_vs_observed.png",
        "residuals.png",
        "shap_summary.png",
    ]
    for path in pictures:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert 2_000 < len(content) < 100_000
    assert not Gcf.get_all_fig_managers()


@pytest.mark.slow
def test_the_same_retrain_gives_the_same_bytes(retrained: Retrain, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        draw_panel(retrained, tmp_path / folder)
    one, two = ((tmp_path / name / "panel_overview.png").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.slow
def test_a_picture_of_simulated_data_says_so(retrained: Retrain, tmp_path: Path) -> None:
    real = replace(retrained, study=replace(retrained.study, simulated=False))
    sizes = {}
    for name, shown in (("simulated", retrained), ("real", real)):
        (tmp_path / name).mkdir()
        draw_panel(shown, tmp_path / name)
        sizes[name] = (tmp_path / name / "panel_overview.png").read_bytes()
    assert sizes["simulated"] != sizes["real"]


def test_without_trials_there_is_no_history(retrained: Retrain, tmp_path: Path) -> None:
    validation = retrained.validation
    none = SearchResult(validation.search.settings, validation.search.trials.iloc[:0])
    untried = replace(
        validation, search=none, fold_searches=dict.fromkeys(validation.fold_searches, none)
    )
    draw_panel(replace(retrained, validation=untried), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["panel_overview.png"]


def test_the_history_rings_the_trial_that_each_search_chose(retrained: Retrain) -> None:
    validation = retrained.validation
    axes = optuna_history(retrained).axes[0]
    rings = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    expected = []
    for search in (validation.search, *validation.fold_searches.values()):
        chosen = search.trials[search.trials["chosen"]]
        settings = search.settings.trees | {"shrinkage": search.settings.shrinkage}
        assert chosen[list(settings)].to_dict("records") == [settings]
        expected.append((chosen["number"].item(), chosen["value"].item()))
    assert sorted(tuple(ring.get_xydata()[0]) for ring in rings) == sorted(expected)


def test_the_overview_has_a_row_a_drug_and_marks_the_losers(retrained: Retrain) -> None:
    labels = tick_labels(panel_overview(retrained))
    table = headline(retrained)
    assert len(labels) == len(table)
    for drug, label in zip(table.index[::-1], labels, strict=True):
        assert label.startswith(str(drug))
        assert ("*" in label) == (table.at[drug, "gain"] == "worse")


def test_predictions_and_residuals_show_every_line(
    retrained: Retrain, held_out: pd.DataFrame
) -> None:
    shown = dots(predicted_vs_observed(retrained, DRUG, held_out))
    expected = held_out[["observed", "blend"]].to_numpy()
    np.testing.assert_allclose(np.sort(shown, axis=0), np.sort(expected, axis=0))
    missed = dots(residuals(retrained, DRUG, held_out))
    np.testing.assert_allclose(
        np.sort(missed[:, 1]), np.sort(held_out["observed"] - held_out["blend"])
    )


def test_the_summary_ranks_features_by_how_far_they_move_the_model(
    retrained: Retrain, explanation: shap.Explanation, contributions: pd.DataFrame
) -> None:
    figure = shap_summary(retrained, DRUG, explanation)
    expected = contributions.abs().mean().sort_values(ascending=False, kind="stable").index[:15]
    assert tick_labels(figure)[::-1] == list(expected)
    # Each row has two parts: dots of known values and grey ones.
    assert len(dots(figure)) == 15 * len(contributions)


def test_the_summary_is_the_same_each_time_and_leaves_chance_alone(
    retrained: Retrain, explanation: shap.Explanation
) -> None:
    before = np.random.get_state()[1].copy()
    one, two = (dots(shap_summary(retrained, DRUG, explanation)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_summary_copes_with_features_that_nothing_is_known_of(
    retrained: Retrain, explanation: shap.Explanation, tmp_path: Path
) -> None:
    unknown = shap.Explanation(
        values=explanation.values * 0.0,
        base_values=explanation.base_values,
        data=explanation.data * np.nan,
        feature_names=explanation.feature_names,
    )
    figure = shap_summary(retrained, DRUG, unknown)
    figure.savefig(tmp_path / "drawn.png")
    assert len(dots(figure)) == 15 * len(explanation.values)


def test_shares_are_of_the_summed_contributions_of_a_modality(
    retrained: Retrain, contributions: pd.DataFrame
) -> None:
    axes = modality_shares(retrained, DRUG, contributions).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    shown = dict(zip((t.get_text() for t in axes.get_yticklabels()), widths, strict=True))
    modality = np.array([modality_of(name) for name in contributions.columns])
    rppa = contributions.to_numpy()[:, modality == "rppa"].sum(axis=1)
    assert shown["rppa"] == pytest.approx(np.abs(rppa).mean())
    shares = [float(text.get_text().rstrip(" %")) for text in axes.texts]
    assert sum(shares) == pytest.approx(100, abs=2)
