"""The page "Your own samples in ten minutes": its commands run on tables like those it shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.study.study import Study, read_study

PAGE = (Path(__file__).parents[2] / "docs" / "own-samples.md").read_text(encoding="utf-8")
Run = Callable[..., tuple[int, str, str]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def write_tables(folder: Path, cohort: Study) -> None:
    """TPM with a row a gene, calls and attributes of a simulated cohort, as the page shows them."""
    assert cohort.expression is not None
    assert cohort.mutations is not None
    samples = list(cohort.expression.index[:6])
    tpm = np.exp2(cohort.expression.loc[samples]) * 8
    tpm.T.rename_axis("gene").to_csv(folder / "tpm.csv", float_format="%.4g")
    calls = cohort.mutations[cohort.mutations["sample_id"].isin(samples)].rename(
        columns={"sample_id": "Tumor_Sample_Barcode", "gene": "Hugo_Symbol",
                 "classification": "Variant_Classification", "protein_change": "HGVSp_Short"}
    )  # fmt: skip
    calls.to_csv(folder / "calls.maf", sep="\t", index=False)
    clinical = pd.DataFrame({"sample": samples, "patient": ["P1", "P1", *samples[2:]]})
    clinical.to_csv(folder / "clinical.csv", index=False)


@pytest.mark.slow
def test_the_commands_of_the_page_run(
    run: Run, cohort: Study, saved_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_tables(tmp_path, cohort)
    (tmp_path / "mine.toml").write_text(blocks("toml")[0])
    lines = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert [words[1] for words in lines] == ["data", "check", "score", "data"]
    for program, *words in lines:
        assert program == "sidestep"
        own = [str(saved_model) if word == "kinase-lines" else word for word in words]
        more = ["--drugs", "Lapatinib"] if words[0] == "score" else []
        code, _, stderr = run(*own, *more)
        assert code == 0, stderr
    assert (tmp_path / "scores" / "report.html").is_file()
    study, again = read_study(tmp_path / "mine"), read_study(tmp_path / "again")
    assert study.donors.nunique() == 5
    assert study.expression is not None
    assert again.expression is not None
    pd.testing.assert_frame_equal(study.expression, again.expression)
    assert again.study_id == "our_tumours"
