"""Partner drugs, as `sidestep combine` wrote them, on the page of a sample and in its PDF."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.disk.score_folder import read_score_folder
from sidestep.serving.report.one_page import one_page
from sidestep.serving.report.writing import write_sample_page

FolderMaker = Callable[..., Path]
MANY = tuple((f"Drug-{n}", None, []) for n in range(14))


def row(sample: str, drug: str, rank: int | None, partner: str, evidence: str) -> dict[str, object]:
    return {
        "sample_id": sample, "drug": drug, "basis": "called resistant", "rank": rank,
        "partner": partner, "matched_mechanism": "<b>PIK3CA</b> H1047R",
        "rule_evidence": evidence, "partner_in_panel": False, "partner_percentile": None,
        "partner_call": None, "reason": "Because.", "caveat": "No synergy.", "source": "PMID:1",
    }  # fmt: skip


def with_partners(folder: Path) -> Path:
    rows = [
        row("A", "Lapatinib", 1, "Afatinib", "same target"),
        row("A", "Lapatinib", 2, "Dactolisib", "none (model only)"),
        row("A", "Lapatinib", None, "", "shown"),
        row("A", "Neratinib", 1, "Dactolisib", "shown"),
        row("B", "Lapatinib", 1, "Everolimus", "shown"),
    ]
    table = pd.DataFrame(rows).astype({"rank": "Int64"})
    table.to_parquet(folder / "combinations.parquet", index=False)
    return folder


def words(folder: Path) -> str:
    scores = read_score_folder(folder)
    figure = one_page(scores, scores.one_sample("A"))
    return " ".join(text.get_text() for text in figure.texts)


def test_they_stand_on_the_page_of_their_sample(make_folder: FolderMaker, tmp_path: Path) -> None:
    folder = with_partners(make_folder(samples=("A", "B")))
    page = write_sample_page(folder, "A", tmp_path / "page.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    shown = json.loads(found[1])
    by_drug = {drug["name"]: score for drug, score in
               zip(shown["drugs"], shown["samples"][0]["drugs"], strict=True)}  # fmt: skip
    partners = by_drug["Lapatinib"]["partners"]
    assert [cells[0] for cells in partners] == ["Afatinib", "Dactolisib"]
    assert partners[0][1:4] == ["same target", "<b>PIK3CA</b> H1047R", "not in the panel"]
    said = [shown["sentences"][place] for place in partners[0][4:]]
    assert said == ["Because.", "No synergy.", "PMID:1"]
    assert "partners" not in by_drug["Everolimus"]
    assert "<b>PIK3CA" not in page


def test_the_pdf_has_the_nearest_evidence_first(make_folder: FolderMaker) -> None:
    folder = with_partners(make_folder(samples=("A", "B")))
    text = words(folder)
    assert "Partner drugs to think of; no synergy is claimed" in text
    assert text.index("Neratinib fails: Dactolisib") < text.index("Lapatinib fails: Afatinib")
    assert "Everolimus (shown" not in text


def test_with_many_drugs_the_pdf_has_them_too(make_folder: FolderMaker) -> None:
    folder = with_partners(
        make_folder(samples=("A", "B"), drugs=(("Lapatinib", None, []), *MANY), top_k=2)
    )
    assert "Partner drugs to think of: Neratinib fails: Dactolisib (shown" in words(folder)


def test_a_table_that_lacks_a_column_is_refused(make_folder: FolderMaker) -> None:
    folder = with_partners(make_folder(samples=("A", "B")))
    path = folder / "combinations.parquet"
    pd.read_parquet(path).drop(columns="caveat").to_parquet(path)
    with pytest.raises(InputError, match=r"combinations.parquet lacks column caveat"):
        words(folder)
