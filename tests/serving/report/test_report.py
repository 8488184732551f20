"""`report.html`: what is in it, what it can never do, and how large it is."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.output import FILES_KEY, own_file
from sidestep.serving.job import score_study
from sidestep.serving.report.writing import sample_file, write_report, write_sample_page

FolderMaker = Callable[..., Path]

ROOT = Path(__file__).parents[3]
SCRIPT = "<script>alert(1)</script>"


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[list[str]] = []
        self._scripts: list[dict[str, str | None]] = []
        self.feed(page)

    @property
    def scripts(self) -> list[tuple[dict[str, str | None], str]]:
        return list(zip(self._scripts, map("".join, self._texts), strict=True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self._scripts.append(dict(attrs))
            self._texts.append([])

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self._texts[-1].append(data)


@pytest.fixture(scope="module")
def page(small_folder: Path) -> str:
    assert write_report(small_folder) == ["report.html"]
    return (small_folder / "report.html").read_text(encoding="utf-8")


def data_of(page: str, name: str = "data") -> Any:
    """What the page's script is given."""
    return next(
        json.loads(text) for attrs, text in Elements(page).scripts if attrs.get("id") == name
    )


def test_the_same_scores_give_the_same_bytes(small_folder: Path, page: str) -> None:
    write_report(small_folder)
    assert (small_folder / "report.html").read_text(encoding="utf-8") == page


def test_nothing_can_be_loaded_from_anywhere(page: str) -> None:
    elements = Elements(page)
    policies = [a["content"] for tag, a in elements.found if a.get("http-equiv")]
    assert len(policies) == 1
    assert policies[0] is not None
    assert policies[0].startswith("default-src 'none'; script-src 'sha256-")
    for tag, attrs in elements.found:
        assert "src" not in attrs, tag
        assert (attrs.get("href") or "#").startswith(("#", "data:,")), tag
    for attrs, text in elements.scripts:
        if attrs.get("type") is None:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policies[0]


def test_libraries_are_what_their_list_says() -> None:
    vendor = ROOT / "serving" / "report" / "vendor"
    listed = dict(
        re.findall(r"\| `(\S+\.js)` .*`([0-9a-f]{64})` \|", (vendor / "README.md").read_text())
    )
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.glob("*.js")
    }
    assert listed == found


def test_names_are_text_whatever_they_hold(page: str, small_folder: Path) -> None:
    assert SCRIPT not in page
    names = [sample["name"] for sample in data_of(page)["samples"]]
    assert names == list(pd.read_parquet(small_folder / "scores.parquet")["sample_id"].unique())
    assert SCRIPT in names


def test_study_names_are_text_too(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A\u2028B",))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["study"]["name"] = '</title><img src=x onerror="alert(1)">'
    manifest["quarantined"] = {"</script><b>": "<i>bad</i>"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    tags = {tag for tag, _ in Elements(page).found}
    assert not tags & {"img", "b", "i"}
    assert "\u2028" not in page
    assert data_of(page)["samples"][0]["name"] == "A\u2028B"


def test_contributions_are_those_of_the_files(page: str, small_folder: Path) -> None:
    data = data_of(page)
    files = {
        name: pd.read_parquet(small_folder / f"{name}.parquet").set_index(["sample_id", "drug"])
        for name in ("scores", "explanations", "mechanisms")
    }
    for sample in data["samples"]:
        for score in sample["drugs"]:
            key = (sample["name"], data["drugs"][score["drug"]]["name"])
            explained = files["explanations"].loc[key].sort_values("rank")
            assert [data["features"][n][0] for n in score["features"]] == list(
                explained["feature"].iloc[:-1]
            )
            contributions = [*score["contributions"], score["rest"]]
            np.testing.assert_allclose(
                contributions, explained["contribution"], rtol=1e-4, atol=1e-9
            )
            mechanisms = files["mechanisms"].loc[key]
            assert data["mechanisms"] == list(mechanisms["mechanism"])
            np.testing.assert_allclose(
                score["mechanisms"], mechanisms["contribution"], rtol=1e-4, atol=1e-9
            )
            prediction, _, _, base = score["at"]
            np.testing.assert_allclose(
                prediction, files["scores"].loc[key, "prediction"], rtol=1e-5
            )
            for parts in (contributions, score["mechanisms"], score["modalities"]):
                assert base + sum(parts) == pytest.approx(prediction, abs=1e-4)


def test_a_missing_interval_is_told_as_missing(page: str) -> None:
    last = data_of(page)["samples"][-1]
    assert all(score["at"][1:3] == [None, None] for score in last["drugs"])
    assert all(score["call"] == "abstain" for score in last["drugs"])


def test_first_screen_tells_study_model_and_data_health(page: str) -> None:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split('<script type="application')[0]))
    for part in (
        "Demonstration cohort", "demo-panel, version 3", "Made-up breast lines", "6 of 7",
        "high is sensitive", "Simulated data.", "EMPTY-1 : no modality", "antibody X is not known",
        "strong 0.91 sd, p 0.001", "5 (71 %)", "0.62 (0.41 to 0.78)", "0.50, ERBB2 level",
    ):  # fmt: skip
        assert part in text, part
    assert "/somewhere/private" not in page


def test_real_data_have_no_banner(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A", "B"), simulated=False, evidence=False)
    write_report(folder)
    assert "Simulated data." not in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_the_scoring_writes_can_be_reported(
    cohort: Study, model: LoadedModel, tmp_path: Path
) -> None:
    manifest = score_study(cohort, model, tmp_path / "out")
    assert write_report(tmp_path / "out") == ["report.html"]
    data = data_of((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert len(data["samples"]) == manifest["counts"]["samples_scored"]
    for sample in data["samples"]:
        for score in sample["drugs"]:
            prediction, _, _, base = score["at"]
            moved = sum(score["contributions"]) + score["rest"]
            assert base + moved == pytest.approx(prediction, abs=1e-4)
            assert score["lines"] is not None


@pytest.mark.slow
def test_a_hundred_samples_by_25_drugs_stay_below_5_mb(make_folder: FolderMaker) -> None:
    folder = make_folder(
        samples=tuple(f"TCGA-A1-{n:04d}-01" for n in range(100)),
        drugs=tuple((f"Inhibitor-{n}", "kinase inhibitor", ["EGFR"]) for n in range(25)),
    )
    assert write_report(folder) == ["report.html"]
    assert (folder / "report.html").stat().st_size < 5_000_000


@pytest.mark.slow
def test_a_large_study_has_several_pages(make_folder: FolderMaker) -> None:
    names = tuple(f"S{n:04d}" for n in range(502))
    folder = make_folder(
        samples=names, drugs=(("Lapatinib", None, []), ("Poor", None, [])), top_k=2
    )
    for name in ("report-6.html", "report-7.html", "report-8.html"):
        with own_file(folder, name, FILES_KEY) as new:
            new.write_text("of an earlier report")
    (folder / "report-8.html").write_text("with a note of mine")
    (folder / "report-9.html").write_text("mine")
    (folder / "report-S0001.html").write_text("of one sample")
    assert write_report(folder) == ["report.html", "report-2.html"]
    kept = {path.name for path in folder.glob("report-*.html")}
    assert kept == {"report-2.html", "report-8.html", "report-9.html", "report-S0001.html"}
    pages = [
        (folder / name).read_text(encoding="utf-8") for name in ("report.html", "report-2.html")
    ]
    assert [len(data_of(page)["samples"]) for page in pages] == [500, 2]
    assert "All 502 samples in summary" in pages[0]
    assert 'rel="next" href="report-2.html"' in pages[0]
    assert 'rel="prev" href="report.html"' in pages[1]
    assert "Samples 501 to 502 of 502" in pages[1]
    others = next(
        json.loads(text)
        for attrs, text in Elements(pages[0]).scripts
        if attrs.get("id") == "others"
    )
    assert others == [["report-2.html", ["S0500", "S0501"]]]


def test_of_more_samples_than_can_be_drawn_the_most_resistant_ones_are(
    make_folder: FolderMaker,
) -> None:
    names = tuple(f"S{n:02d}" for n in range(20))
    folder = make_folder(samples=names, drugs=(("Lapatinib", None, []), ("Poor", None, [])))
    table = pd.read_parquet(folder / "scores.parquet")
    called = table["resistance_percentile"].where(table["call"] != "abstain")
    resistance = called.groupby(table["sample_id"], sort=False).mean().fillna(-1)
    expected = resistance.sort_values(ascending=False, kind="stable").index[:6]
    assert write_report(folder, most=6) == ["report.html"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    drawn = [sample["name"] for sample in data_of(page)["samples"]]
    assert drawn == sorted(expected)
    assert "All 20 samples in summary" in page
    assert "Below are the 6 samples with the highest mean percentile" in page
    called = table["call"] != "abstain"
    for drug, part in table[called].groupby("drug"):
        assert page.count(f'<tr><th scope="row" class="name">{drug}</th>') == 3
        counts = np.histogram(part["resistance_percentile"], np.linspace(0, 100, 11))[0]
        for count in counts:
            assert f'title="{count:,} samples"' in page
    other = next(name for name in names if name not in drawn)
    assert len(data_of(write_sample_page(folder, other).read_text())["samples"]) == 1


def test_the_account_of_the_study_stands_in_the_page(page: str) -> None:
    assert "What was understood of 1 file<" in page
    assert "data_rppa.txt: protein levels of 8 antibodies" in page
    assert "scale: log2; the datatype" in page
    assert "&#39;&lt;b&gt;X&lt;/b&gt;&#39; 1" in page


def test_many_quarantined_samples_are_counted(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A",))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["quarantined"] = {f"Q{n:05d}": "could not be predicted" for n in range(40_000)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert write_report(folder) == ["report.html"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "40,000 quarantined" in page
    assert "and 39,000 more, which manifest.json lists" in page


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (lambda folder: shutil.rmtree(folder), ["does not exist"]),
        (lambda folder: (folder / "manifest.json").write_text("{}"), ["holds no manifest.json"]),
        (lambda folder: (folder / "mechanisms.parquet").unlink(), ["mechanisms.parquet is miss"]),
        (lambda folder: (folder / "reference.parquet").unlink(), ["reference.parquet is miss"]),
        (
            lambda folder: pd.read_parquet(folder / "explanations.parquet")
            .drop(columns="stable")
            .to_parquet(folder / "explanations.parquet"),
            ["explanations.parquet lacks column stable", "score the study again"],
        ),
        (
            lambda folder: (folder / "scores.parquet").write_bytes(b"PAR1 no more"),
            ["scores.parquet cannot be read"],
        ),
        (
            lambda folder: pd.read_parquet(folder / "scores.parquet").iloc[:0].to_parquet(
                folder / "scores.parquet"
            ),
            ["scores.parquet has no rows"],
        ),
        (
            lambda folder: pd.read_parquet(folder / "mechanisms.parquet").iloc[24:].to_parquet(
                folder / "mechanisms.parquet"
            ),
            ["mechanisms.parquet lacks sample A"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_reported_is_one_sentence(
    make_folder: FolderMaker, spoil: Callable[[Path], object], parts: list[str]
) -> None:
    folder = make_folder(samples=("A", "B"), drugs=(("X", None, []), ("Y", None, [])))
    spoil(folder)
    with pytest.raises(InputError) as raised:
        write_report(folder)
    for part in parts:
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_older_manifest_asks_to_score_again(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A",))
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["drugs"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest.json lacks drugs.* score the study again"):
        write_report(folder)


def test_facts_that_nobody_knows_are_left_out(make_folder: FolderMaker) -> None:
    folder = make_folder(samples=("A",))
    manifest = json.loads((folder / "manifest.json").read_text())
    for drug in manifest["drugs"]:
        drug |= {"pearson": [None] * 3, "best_baseline": None, "typical_response": None}
    del manifest["shift"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    pd.read_parquet(folder / "reference.parquet").assign(observed=np.nan).to_parquet(
        folder / "reference.parquet"
    )
    write_report(folder)
    data = data_of((folder / "report.html").read_text(encoding="utf-8"))
    assert data["drugs"][0]["typical"] is None
    assert "r = not known" in data["drugs"][0]["quality"]


# The page of one sample


@pytest.mark.parametrize("sample", ["A/../B", "..", ".", "con:\n", "7", "Ä" * 300, "-x", "a" * 300])
def test_a_sample_has_a_file_of_its_own_in_the_folder(sample: str) -> None:
    name = sample_file(sample, ".html")
    assert re.fullmatch(r"report-[A-Za-z0-9_.-]{1,120}\.html", name)
    assert not re.fullmatch(r"report-\d+\.html", name)
    assert name != sample_file(f"{sample}_", ".html")


def test_one_sample_has_a_page_of_its_own(small_folder: Path) -> None:
    path = write_sample_page(small_folder, "A/../B")
    assert path.parent == small_folder
    text = path.read_text(encoding="utf-8")
    assert '"samples":[{"name":"A/../B",' in text
    assert '"name":"SKBR3"' not in text


def test_an_unknown_sample_gets_the_nearest_suggested(small_folder: Path) -> None:
    with pytest.raises(InputError, match="no sample 'SKBR-3'; did you mean SKBR3"):
        write_sample_page(small_folder, "SKBR-3")
    with pytest.raises(InputError, match=r"EMPTY-1 has no scores.*no modality of the model"):
        write_sample_page(small_folder, "EMPTY-1")
