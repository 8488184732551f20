"""The knowledge folder: read where it is, named where it is missing, and part of the job."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from features.errors import InputError
from features.study import Study
from models.registry import LoadedModel
from serving.civic import CIVIC_FILE
from serving.outside_knowledge import NO_KNOWLEDGE, read_outside_knowledge
from serving.scoring import score_study
from serving.verbs import score

CIVIC = """\
gene,variant,disease,drugs,drug_interaction_type,evidence_direction,evidence_level,\
clinical_significance,evidence_id,citation_id,source_type,variant_origin
PIK3CA,MUTATION,Tumor,Lapatinib,,Supports,B,Resistance,7,117(PubMed),PubMed,Somatic
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "knowledge"
    place.mkdir()
    (place / CIVIC_FILE).write_text(CIVIC, encoding="utf-8")
    return place


def test_without_a_folder_the_cache_is_looked_at(folder: Path, monkeypatch) -> None:
    cache = folder.parent / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    nothing = read_outside_knowledge(None)
    assert nothing.civic is None
    assert nothing.missing == [CIVIC_FILE]
    (cache / "sidestep").mkdir(parents=True)
    folder.rename(cache / "sidestep" / "knowledge")
    assert read_outside_knowledge(None).missing == []


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist; give another --knowledge"):
        read_outside_knowledge(tmp_path / "nowhere")
    asked = ["study", "--model", "m", "--out", str(tmp_path / "out"), "--knowledge", "nowhere"]
    assert isinstance(CliRunner().invoke(score, asked).exception, InputError)


def test_what_it_holds_is_evidence_and_stands_in_the_manifest(
    folder: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    known = read_outside_knowledge(folder)
    plain = score_study(cohort, model, tmp_path / "plain")
    told = score_study(cohort, model, tmp_path / "told", knowledge=known)
    assert plain["options"]["knowledge"] == NO_KNOWLEDGE.digests == {CIVIC_FILE: None}
    assert len(told["options"]["knowledge"][CIVIC_FILE]) == 64
    evidence = pd.read_parquet(tmp_path / "told" / "evidence.parquet")
    civic = evidence[evidence["strength"] == "CIViC B"]
    mutated = cohort.mutations.loc[cohort.mutations["gene"] == "PIK3CA", "sample_id"]
    assert set(civic["sample_id"]) <= set(mutated)
    assert len(civic)
    assert set(civic["drug"]) == {"Lapatinib"}
    own = pd.read_parquet(tmp_path / "plain" / "evidence.parquet")
    assert not own["strength"].str.startswith("CIViC").any()
    rest = evidence.drop(civic.index).reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, own)
    for name in ("scores", "explanations", "mechanisms"):
        paths = [tmp_path / which / f"{name}.parquet" for which in ("plain", "told")]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_evidence_of_a_sample_is_the_same_alone(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    score_study(cohort, model, tmp_path / "all", chunk=7)
    whole = pd.read_parquet(tmp_path / "all" / "evidence.parquet")
    assert json.loads((tmp_path / "all" / "manifest.json").read_text())["counts"]["rows"] == 72
    for sample in cohort.samples[:6]:
        score_study(cohort.select([sample]), model, tmp_path / sample)
        alone = pd.read_parquet(tmp_path / sample / "evidence.parquet")
        expected = whole[whole["sample_id"] == sample].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, expected, check_dtype=False)
