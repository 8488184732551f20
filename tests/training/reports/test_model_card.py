"""The card of a model: what it says, and that it fits where it is kept."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.study.study import Study, read_study
from sidestep.models.predictor.drug_model import Gain
from sidestep.training.reports.model_card import model_card, version_description
from sidestep.training.reports.tables import headline
from sidestep.training.retrain import Retrain, study_digest
from sidestep.training.tracking.run_facts import panel_tags

SECTIONS = ["Intended use", "Data", "Method", "Metrics", "Intervals", "Limits",
            "Licence and citation"]  # fmt: skip
ONLY_WHOLE = ["Within HER2-high lines", "Files"]


@pytest.fixture(scope="module")
def card(retrained: Retrain) -> str:
    return model_card(retrained)


def sections(card: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", card, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(section: str) -> list[list[str]]:
    table = [line for line in section.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


def renamed(retrained: Retrain, names: dict[str, str]) -> Retrain:
    """The retrain with its drugs under other names."""
    drugs = tuple(replace(d, name=names[d.name]) for d in retrained.panel.drugs)
    gains = retrained.verdict.gains
    metrics = retrained.metrics.assign(drug=retrained.metrics["drug"].map(names))
    values = retrained.panel.values.rename(columns=names)
    return replace(
        retrained,
        metrics=metrics,
        panel=replace(retrained.panel, drugs=drugs, values=values),
        verdict=replace(retrained.verdict, gains={names[d]: gain for d, gain in gains.items()}),
    )


def gain_that_is(verdict: str) -> Gain:
    return Gain(verdict, 0.5, "marker", 0.0)


def many_drugs(retrained: Retrain, count: int) -> Retrain:
    """The retrain with its first drug `count` times over."""
    drug = retrained.panel.drugs[0]
    names = [f"{drug.name} number {n}" for n in range(count)]
    metrics = retrained.metrics[retrained.metrics["drug"] == drug.name]
    values = dict.fromkeys(names, retrained.panel.values[drug.name])
    return replace(
        retrained,
        metrics=pd.concat([metrics.assign(drug=name) for name in names], ignore_index=True),
        panel=replace(
            retrained.panel,
            drugs=tuple(replace(drug, name=name) for name in names),
            values=pd.DataFrame(values),
        ),
        verdict=replace(retrained.verdict, gains=dict.fromkeys(names, gain_that_is("worse"))),
    )


def test_every_section_is_there(card: str, retrained: Retrain) -> None:
    assert card.startswith("Simulated data: no sample is real. Predicts the response (gi50)")
    assert list(sections(card)) == [*SECTIONS[:4], ONLY_WHOLE[0], *SECTIONS[4:], ONLY_WHOLE[1]]
    assert list(sections(version_description(retrained))) == SECTIONS


def test_data_is_that_of_the_retrain(card: str, retrained: Retrain) -> None:
    data = sections(card)["Data"]
    assert study_digest(retrained.study.digests) in data
    lines = retrained.panel.values.index
    assert f"Lines: {len(lines)} of {retrained.study.donors.loc[lines].nunique()} donors" in data
    assert retrained.study.rppa is not None
    assert f"RPPA {lines.isin(retrained.study.rppa.index).sum()}" in data
    assert "higher is more sensitive. 2 drugs" in data
    for name, digest in retrained.study.digests.items():
        assert f"| {name} | `{digest}` |" in sections(card)["Files"].replace("\\_", "_")


def test_metrics_have_intervals_beside_the_baselines(card: str, retrained: Retrain) -> None:
    table = headline(retrained)
    heads, _, *found, mean = rows(sections(card)["Metrics"])
    assert heads[:4] == ["drug", "lines", "r", "RMSE"]
    assert [row[0] for row in found] == list(table.index)
    for row, (drug, expected) in zip(found, table.iterrows(), strict=True):
        interval = f"({expected['lower']:.2f} to {expected['upper']:.2f})"
        assert row[1:3] == [str(expected["n"]), f"{expected['pearson']:.2f} {interval}"]
        assert row[4] == "0.00"  # the drug's mean ranks nobody
        marker = {"Lapatinib": "ERBB2", "BI-2536": "PLK1"}[str(drug)]
        assert re.fullmatch(rf"{marker} {expected['marker']:.2f} \(.+ to .+\)", row[6])
        assert row[7] == f"{expected['gain']} ({expected['probability']:.2f})"
    assert mean[:3] == ["mean of 2", "", f"{table['pearson'].mean():.2f}"]


def test_limits_name_the_drugs_that_lose_and_the_few_her2_high_lines(
    card: str, retrained: Retrain
) -> None:
    limits = sections(card)["Limits"]
    assert "nothing here says how it does on real samples" in limits
    assert re.search(r"HER2-high lines: \d+( to \d+)? a drug, too few", limits)
    gains = {"Lapatinib": gain_that_is("worse"), "BI-2536": gain_that_is("as good")}
    verdict = replace(retrained.verdict, gains=gains, passes=False)
    lost = sections(model_card(replace(retrained, verdict=verdict)))
    assert "every call abstains: Lapatinib." in lost["Limits"]
    assert "not better, which every score says: BI-2536." in lost["Limits"]
    assert "Gate failed: " in lost["Metrics"]
    won = replace(verdict, gains=dict.fromkeys(gains, gain_that_is("better")))
    limits = model_card(replace(retrained, verdict=won))
    assert "No drug is shown to be worse than its best baseline." in limits
    assert "Every other drug is shown to be better than its best baseline." in limits


def test_intervals_say_what_they_held_and_how_wide_they_are(card: str) -> None:
    heads, _, eighty, ninety, *by_modalities = rows(sections(card)["Intervals"])
    assert heads[:3] == ["interval", "held", "mean width (SD of the response)"]
    assert (eighty[0], ninety[0]) == ("80 %", "90 %")
    assert float(eighty[2]) < float(ninety[2])
    assert by_modalities[2][0] == "expression, RPPA, mutation, copy number"


def test_too_few_lines_for_intervals_are_said(retrained: Retrain) -> None:
    none = replace(retrained, coverage=retrained.coverage.iloc[:0])
    assert "Too few lines for intervals." in model_card(none)


@pytest.mark.slow
def test_real_data_are_cited(retrained: Retrain, simulated_study: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(simulated_study, tmp_path / "cited")
    meta = folder / "meta_study.txt"
    plain = meta.read_text(encoding="utf-8").replace("simulated: true\n", "")
    cited = plain + "citation: Doe <i>et al.</i> 2020\npmid: 123,456\nlicence: CC_BY\n"
    meta.write_text(cited, encoding="utf-8")

    def citation(study: Study) -> str:
        return sections(model_card(replace(retrained, study=study)))["Licence and citation"]

    study = read_study(folder)
    assert r"Doe &lt;i&gt;et al.&lt;/i&gt; 2020 (PMID 123,456); licence CC\_BY." in citation(study)
    real = model_card(replace(retrained, study=study))
    assert "imulated data:" not in real
    assert "Cell lines are not tumours" in real
    # What was learned from is cited, not what lies there now.
    meta.write_text(plain + "citation: Another\n", encoding="utf-8")
    assert "the study states no source" in citation(study)
    shutil.rmtree(folder)
    assert "the study states no source" in citation(study)
    assert "the study states no source" in citation(replace(study, path=None))


def test_names_stay_text(retrained: Retrain) -> None:
    hostile = {"Lapatinib": "La|pa <script>", "BI-2536": "*BI* [x](javascript:y)"}
    named = renamed(retrained, hostile)
    study = replace(retrained.study, name="Lines <img src=x>\n## Limits", study_id="a|b")
    card = model_card(replace(named, study=study))
    assert "<script>" not in card
    assert "<img" not in card
    assert list(sections(card)) == list(sections(model_card(retrained)))
    table = [line for line in card.split("\n") if line.startswith(r"| La\|pa &lt;script&gt; |")]
    assert len(table) == 2
    assert re.search(r"\\\*BI\\\* \\\[x\\\]", card)


@pytest.mark.slow
def test_a_description_fits_whatever_the_panel(retrained: Retrain) -> None:
    small = version_description(retrained)
    assert "Shortened" not in small
    assert len(small) <= 5000
    huge = many_drugs(retrained, 300)
    text = version_description(huge)
    assert 4700 < len(text) <= 5000
    assert "the whole card is the artefact `model_card.md`" in text
    assert list(sections(text)) == SECTIONS
    assert rows(sections(text)["Metrics"])[-1][0] == "mean of 300"
    assert " and 288 more." in sections(text)["Limits"]
    assert len(rows(sections(model_card(huge))["Metrics"])) == 2 + 300 + 1


def test_what_was_held_out_together_is_told(retrained: Retrain, card: str) -> None:
    plan = replace(retrained.request.plan, split="lineage")
    by_lineage = replace(retrained, request=replace(retrained.request, plan=plan))
    assert "3-fold cross-validation by donor, " in card
    told = "3-fold cross-validation by lineage, each held out whole, "
    assert told in model_card(by_lineage)
    assert (
        "out of fold by lineage, each held out whole, with"
        in panel_tags(by_lineage)["mlflow.note.content"]
    )
