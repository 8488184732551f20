"""What moves the predictions of a cohort: means that add up, by group, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sidestep.serving.explain.cohort import answer_cohort

FolderMaker = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]
SAMPLES = ("A", "B", "C", "D")


@pytest.fixture(scope="module")
def folder(make_folder: FolderMaker) -> Path:
    attributes = pd.DataFrame({"SUBTYPE": ["LumA", "LumA", "Basal", None]}, index=list(SAMPLES))
    return make_folder(
        samples=SAMPLES, attributes=attributes, her2=("high", "not high", "not high", "high")
    )


def test_mechanisms_and_base_value_add_up_to_the_mean_prediction(folder: Path) -> None:
    found = answer_cohort(folder, "lapatinib", group="SUBTYPE")
    assert list(found.groups) == ["LumA", "Basal", "not known"]
    scores = pd.read_parquet(folder / "scores.parquet")
    for members, of in zip((["A", "B"], ["C"], ["D"]), found.groups.values(), strict=True):
        part = scores[(scores["drug"] == "Lapatinib") & scores["sample_id"].isin(members)]
        assert of["samples"] == len(members)
        assert of["prediction"] == pytest.approx(part["prediction"].mean())
        total = of["base_value"] + sum(of["mechanisms"].values())
        assert total == pytest.approx(of["prediction"], abs=1e-9)
        assert sum(of[call] for call in ("resistant", "sensitive", "uncertain", "abstain")) == len(
            members
        )


def test_it_is_printed_by_group_and_as_json(run: Run, folder: Path) -> None:
    asked = ("explain", "--drug", "Lapatinib", "--scores", folder, "--where", "SUBTYPE!=NA")
    code, stdout, _ = run(*asked, "--group", "her2", "--top-k", "3")
    assert code == 0
    lines = stdout.splitlines()
    assert lines[0] == "Lapatinib in 3 samples with SUBTYPE!=NA"
    assert lines[3].split() == [
        "HER2", "samples", "resistant", "sensitive", "uncertain", "no", "call", "mean",
        "percentile",
    ]  # fmt: skip
    assert lines[4].split()[:2] == ["high", "1"]
    assert lines[5].split()[:3] == ["not", "high", "2"]
    assert len(lines) == 12
    code, stdout, _ = run(*asked, "--json")
    content = json.loads(stdout)
    assert (code, content["where"], content["group"]) == (0, ["SUBTYPE!=NA"], None)
    assert content["groups"]["all"]["samples"] == 3


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--drug", "Lapatinob"], "Lapatinob was not scored; did you mean Lapatinib?"),
        (["--drug", "zzz"], "zzz was not scored; there are Lapatinib"),
        (["--drug", "Lapatinib", "--where", "SUBTYPE=Her2"], "no sample of"),
        (["--drug", "Lapatinib", "--group", "SUBTIPE"], "did you mean SUBTYPE?"),
        (["--drug", "Lapatinib", "--set", "ERBB2=+2sd"], "--set is for a single sample; name it"),
        (["A", "--drug", "Lapatinib", "--where", "her2=high"], "--where is for a cohort"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    run: Run, folder: Path, given: list[str], says: str
) -> None:
    code, stdout, stderr = run("explain", *given, "--scores", folder)
    assert (code, stdout) == (2, "")
    assert says in stderr
    assert len(stderr.splitlines()) == 1
