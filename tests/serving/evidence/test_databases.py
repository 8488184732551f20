"""The knowledge folder: read where it is, named where it is missing, and part of the job."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.cli.score import score
from sidestep.serving.evidence.civic import CIVIC_FILE
from sidestep.serving.evidence.databases import FILES, read_outside_knowledge
from sidestep.serving.job import score_study
from sidestep.serving.manifest import job_digest

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
    assert nothing.missing == FILES
    assert str(cache / "sidestep" / "knowledge") in nothing.note
    (cache / "sidestep").mkdir(parents=True)
    folder.rename(cache / "sidestep" / "knowledge")
    assert list(read_outside_knowledge(None).missing) == ["Hallmark", "PROGENy", "Reactome"]


def test_the_manifest_does_not_depend_on_whose_cache_it_is(
    model: LoadedModel, tmp_path: Path, monkeypatch
) -> None:
    records = []
    for user in ("one", "other"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / user))
        records.append(read_outside_knowledge(None).record(model.predictor.nearest))
    assert records[0] == records[1]
    assert "cache" in records[0]["looked_in"]


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist; give another --knowledge"):
        read_outside_knowledge(tmp_path / "nowhere")
    asked = ["study", "--model", "m", "--out", str(tmp_path / "out"), "--knowledge", "nowhere"]
    assert isinstance(CliRunner().invoke(score, asked).exception, InputError)


@pytest.mark.parametrize("file", [*FILES.values(), "more.gmt"])
@pytest.mark.parametrize("what", ["pipe", "folder", "huge"])
def test_a_database_that_would_be_waited_for_or_fills_memory_is_refused(
    tmp_path: Path, file: str, what: str
) -> None:
    path = tmp_path / file
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 2**40)  # a hole, which takes no room
    with pytest.raises(InputError, match=rf"{file} cannot be read \((Is a |.* (not a|has 1,0))"):
        read_outside_knowledge(tmp_path)


def test_more_gene_sets_than_there_are_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.gmt").write_bytes(b"A\tB\tC\n" * 500_001)
    with pytest.raises(InputError, match=r"bomb\.gmt holds more than 500,000 gene sets"):
        read_outside_knowledge(tmp_path)


@pytest.mark.slow
def test_what_it_holds_is_evidence_and_stands_in_the_manifest(
    folder: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    known = read_outside_knowledge(folder)
    plain = score_study(cohort, model, tmp_path / "plain")
    manifest = score_study(cohort, model, tmp_path / "with_civic", knowledge=known)
    assert plain["options"]["knowledge"]["databases"] == []
    assert plain["options"]["knowledge"]["missing"] == FILES
    assert manifest["options"]["knowledge"]["databases"] == ["CIViC"]
    assert len(manifest["options"]["knowledge"]["files"][CIVIC_FILE]) == 64
    evidence = pd.read_parquet(tmp_path / "with_civic" / "evidence.parquet")
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
        paths = [tmp_path / which / f"{name}.parquet" for which in ("plain", "with_civic")]
        assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.fixture
def whole_folder(folder: Path, model: LoadedModel) -> Path:
    """All four databases, of genes that the model has."""
    features = model.predictor.nearest.features_
    genes = [name.partition(":")[2] for name in features if name.startswith("expression:")][:60]
    sets = ["HALLMARK_HYPOXIA", "HALLMARK_ESTROGEN_RESPONSE_EARLY", "HALLMARK_G2M_CHECKPOINT"]
    lines = ["\t".join([name, "url", *genes[20 * n : 20 * n + 20]]) for n, name in enumerate(sets)]
    (folder / FILES["Hallmark"]).write_text("\n".join(lines), encoding="utf-8")
    (folder / "ReactomePathways_v90.gmt").write_text(
        "\t".join(["PLK events", "R-HSA-156711", *genes[5:25]]), encoding="utf-8"
    )
    weights = [f"{gene},{n - 30.5},{n % 7}" for n, gene in enumerate(genes)]
    (folder / FILES["PROGENy"]).write_text("\n".join(["gene,MAPK,p53", *weights]), "utf-8")
    return folder


def test_every_database_is_read_whatever_a_gmt_is_called(whole_folder: Path) -> None:
    known = read_outside_knowledge(whole_folder)
    assert known.databases == ["CIViC", "Hallmark", "PROGENy", "Reactome"]
    assert known.missing == {}
    assert known.note == ""
    assert "ReactomePathways_v90.gmt" in known.digests


@pytest.mark.parametrize("with_civic", [True, False])
def test_gene_sets_in_a_file_called_civic_are_not_civic(
    folder: Path, model: LoadedModel, with_civic: bool
) -> None:
    (folder / "CIViC.gmt").write_text("A_SET\turl\tERBB2\tGRB7", encoding="utf-8")
    if not with_civic:
        (folder / CIVIC_FILE).unlink()
    known = read_outside_knowledge(folder)
    assert known.databases == [*(["CIViC"] if with_civic else []), "CIViC.gmt"]
    assert ("CIViC" in known.missing) != with_civic
    assert known.record(model.predictor.nearest)["gene_sets"]["CIViC.gmt"]["sets"] == 1


@pytest.mark.slow
def test_what_is_missing_is_said_once_with_where_and_how(
    folder: Path, cohort: Study, saved_model: Path, tmp_path: Path
) -> None:
    asked = [str(cohort.path), "--model", str(saved_model), "--knowledge", str(folder)]
    result = CliRunner().invoke(score, [*asked, "--out", str(tmp_path / "out"), "--trust"])
    assert result.exit_code == 0, result.output
    (note,) = (line for line in result.stderr.splitlines() if "Larger databases" in line)
    for part in (*list(FILES.values())[1:], str(folder), "--knowledge", "CIViC"):
        assert part in note
    assert CIVIC_FILE not in note
    quiet = CliRunner().invoke(score, [*asked, "--out", str(tmp_path / "q"), "--trust", "--quiet"])
    assert "Larger databases" not in quiet.stderr
    record = json.loads((tmp_path / "out" / "manifest.json").read_text())["options"]["knowledge"]
    assert record["looked_in"] == str(folder)
    assert list(record["missing"]) == ["Hallmark", "PROGENy", "Reactome"]


@pytest.mark.slow
def test_the_summary_says_how_many_gene_sets_have_a_score(
    whole_folder: Path, cohort: Study, saved_model: Path, tmp_path: Path
) -> None:
    far = "\t".join(["HALLMARK_ADIPOGENESIS", "url", *(f"NOGENE{n}" for n in range(20))])
    with (whole_folder / FILES["Hallmark"]).open("a", encoding="utf-8") as file:
        file.write(f"\n{far}\n")
    asked = [str(cohort.path), "--model", str(saved_model), "--knowledge", str(whole_folder)]
    result = CliRunner().invoke(score, [*asked, "--out", str(tmp_path / "out"), "--trust"])
    assert "Gene sets with a score: Hallmark 3 of 4, PROGENy 2 of 2, Reactome 1 of 1" in (
        result.stdout
    )


def test_work_is_not_taken_up_with_other_databases(
    whole_folder: Path, cohort: Study, model: LoadedModel
) -> None:
    digests = set()
    for change in ("", "\nHALLMARK_OTHER\turl\tERBB2"):
        with (whole_folder / FILES["Hallmark"]).open("a", encoding="utf-8") as file:
            file.write(change)
        record = read_outside_knowledge(whole_folder).record(model.predictor.nearest)
        digests.add(job_digest(cohort, model, {"knowledge": record}, 7))
    assert len(digests) == 2


@pytest.mark.slow
def test_the_evidence_and_gene_sets_of_a_sample_are_the_same_alone(
    whole_folder: Path, cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    known = read_outside_knowledge(whole_folder)
    score_study(cohort, model, tmp_path / "all", chunk=7, knowledge=known)
    assert json.loads((tmp_path / "all" / "manifest.json").read_text())["counts"]["rows"] == 72
    whole = {
        name: pd.read_parquet(tmp_path / "all" / f"{name}.parquet")
        for name in ("evidence", "gene_sets")
    }
    assert {"Hallmark", "PROGENy", "Reactome"} == set(whole["gene_sets"]["database"])
    assert whole["evidence"]["strength"].str.startswith("Hallmark").any()
    for sample in cohort.samples[:6]:
        score_study(cohort.select([sample]), model, tmp_path / sample, knowledge=known)
        for name, table in whole.items():
            alone = pd.read_parquet(tmp_path / sample / f"{name}.parquet")
            expected = table[table["sample_id"] == sample].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone, expected, check_dtype=False)
