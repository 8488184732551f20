"""GCT, GEO's files, workbooks and single cells: read like the plain table that they hold."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.originals.parts import Source
from sidestep.features.originals.tables import import_tables
from sidestep.features.study.study import Study, read_study
from sidestep.main import main

GCT_2 = """\
#1.2
2\t3
Name\tDescription\ta\tb\tc
ENSG00000141736.14\tERBB2\t10\t20\t40
ENSG00000146648\tEGFR\t1\t0\t100
"""
GCT_3 = """\
#1.3
2\t3\t1\t2
id\tgene\ta\tb\tc
dose\tna\t1\t2\t3
HER2 status\tna\tPositive\tNegative\tna
ENSG00000141736\tx\t10\t20\t40
ENSG00000146648\ty\t1\t0\t100
"""
SERIES = """\
!Series_title\t"A series"
!Sample_title\t"tumour 1"\t"tumour 2"
!Sample_geo_accession\t"GSM1"\t"GSM2"
!Sample_platform_id\t"GPL570"\t"GPL570"
!Sample_characteristics_ch1\t"her2 status: Positive"\t"age: 61"
!Sample_characteristics_ch1\t"age: 45"\t"her2 status: Negative"
!series_matrix_table_begin
"ID_REF"\t"GSM1"\t"GSM2"
"216836_s_at"\t11.5\t7.25
"201983_s_at"\t5\t9
!series_matrix_table_end
"""
PLATFORM = """\
^Annotation
!Annotation_platform = GPL570
#ID = probe
!platform_table_begin
ID\tGene symbol\tGene title
216836_s_at\tERBB2\terb-b2
201983_s_at\tEGFR\tepidermal
!platform_table_end
"""


def imported(folder: Path, *sources: Source) -> Study:
    import_tables(sources, folder / "out")
    return read_study(folder / "out")


@pytest.mark.parametrize("text", [GCT_2, GCT_3], ids=["1.2", "1.3"])
def test_gct_gives_levels_and_what_it_says_of_samples(tmp_path: Path, text: str) -> None:
    path = tmp_path / "levels.gct"
    path.write_text(text)
    study = imported(tmp_path, Source("expression", path, unit="TPM"))
    assert study.expression is not None
    np.testing.assert_allclose(study.expression["ERBB2"], np.log2([11, 21, 41]))
    if text == GCT_3:
        assert study.clinical["HER2_STATUS"].tolist()[:2] == ["Positive", "Negative"]
    path.write_text(text.replace("\n2\t3", "\n3\t3", 1))
    with pytest.raises(InputError, match="says that it has 3 rows and 3 samples, and has 2 and 3"):
        import_tables([Source("expression", path)], tmp_path / "none")


def test_a_series_matrix_takes_symbols_of_its_platform(tmp_path: Path) -> None:
    matrix, platform = tmp_path / "GSE1_series_matrix.txt.gz", tmp_path / "GPL570.annot.gz"
    matrix.write_bytes(gzip.compress(SERIES.encode()))
    platform.write_bytes(gzip.compress(PLATFORM.encode()))
    with pytest.raises(InputError, match="names its rows as an array's probes"):
        import_tables([], tmp_path / "none", [matrix])
    study = imported(
        tmp_path, Source("expression", matrix, unit="microarray log2", probes=platform)
    )
    assert study.expression is not None
    assert study.expression["ERBB2"].to_dict() == {"GSM1": 11.5, "GSM2": 7.25}
    assert study.clinical.loc["GSM2", ["HER2_STATUS", "AGE", "TITLE"]].tolist() == [
        "Negative", "61", "tumour 2"
    ]  # fmt: skip


def workbook(path: Path, table: pd.DataFrame, *, shared: bool = True, doctype: str = "") -> None:
    """Write a workbook of two sheets as spreadsheets do, the table in the second."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    words: list[str] = []

    def cell(at: int, row: int, value: object) -> str:
        if value is None or pd.isna(value):
            return ""  # spreadsheets leave empty cells out
        place = f"{chr(ord('A') + at)}{row}"
        if isinstance(value, str) and shared:
            words.append(value)
            return f'<c r="{place}" t="s"><v>{len(words) - 1}</v></c>'
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    rows = [list(table.columns), *table.astype(object).to_numpy().tolist()]
    sheet = "".join(
        f'<row r="{at}">' + "".join(cell(n, at, v) for n, v in enumerate(row)) + "</row>"
        for at, row in enumerate(rows, start=1)
    )
    strings = "".join(
        f"<si><r><t>{word[:2]}</t></r><r><t>{word[2:]}</t></r></si>" for word in words
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
        file.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{strings}</sst>')
        file.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"/>')
        file.writestr(
            "xl/worksheets/sheet2.xml",
            f'{doctype}<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
        )


@pytest.mark.parametrize("shared", [True, False])
def test_gdsc_is_read_from_its_workbook(tmp_path: Path, shared: bool) -> None:
    table = pd.DataFrame(
        [["GDSC2", 1, "SK-BR-3", "SIDM1", "BRCA", 10, "Lapatinib", -1.5, 0.4],
         ["GDSC2", 2, "MCF-7", "SIDM2", None, 10, "Lapatinib", 3.25, 0.9]],
        columns="DATASET COSMIC_ID CELL_LINE_NAME SANGER_MODEL_ID TCGA_DESC DRUG_ID DRUG_NAME "
        "LN_IC50 AUC".split(),
    )  # fmt: skip
    workbook(tmp_path / "GDSC2_fitted.xlsx", table, shared=shared)
    import_tables([], tmp_path / "out", [tmp_path / "GDSC2_fitted.xlsx"])
    found = read_study(tmp_path / "out").response("gdsc2_ln_ic50").values
    assert found["Lapatinib"].to_dict() == {"SKBR3": -1.5, "MCF7": 3.25}


def test_a_workbook_that_is_broken_or_defines_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    workbook(path, pd.DataFrame({"gene": ["ERBB2"], "a": [1.0]}), doctype="<!DOCTYPE a [ ]>")
    with pytest.raises(InputError, match="defines entities"):
        import_tables([Source("expression", path)], tmp_path / "out")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="is not a whole workbook"):
        import_tables([Source("expression", path)], tmp_path / "out")


@pytest.fixture
def counts() -> pd.DataFrame:
    """Cells x genes: two donors and a cell of neither."""
    rng = np.random.default_rng(0)
    genes = ["ERBB2", "EGFR", "TP53", "MET"]
    return pd.DataFrame(rng.poisson(5, (7, 4)), index=[f"C{i}-1" for i in range(7)], columns=genes)


DONORS = ["d1", "d1", "d2", "d2", "d2", "d1", None]


def per_million(counts: pd.DataFrame) -> pd.DataFrame:
    sums = counts.groupby(pd.Series(DONORS, index=counts.index)).sum()
    return np.log2(sums.div(sums.sum(axis=1), axis=0) * 1e6 + 1)


def assert_pseudo_bulk(folder: Path, counts: pd.DataFrame) -> None:
    study = read_study(folder)
    assert study.expression is not None
    pd.testing.assert_frame_equal(
        study.expression[counts.columns], per_million(counts), check_names=False
    )
    assert study.clinical["N_CELLS"].to_dict() == {"d1": "3", "d2": "3"}


@pytest.mark.parametrize("packed", [False, True])
def test_cells_of_10x_are_summed_by_sample(
    tmp_path: Path, counts: pd.DataFrame, packed: bool
) -> None:
    folder = tmp_path / "filtered"
    folder.mkdir()
    entries = [
        f"{gene + 1} {cell + 1} {counts.iloc[cell, gene]}"
        for cell in range(7)
        for gene in range(4)
        if counts.iloc[cell, gene]
    ]
    head = "%%MatrixMarket matrix coordinate integer general\n%made up\n"
    files = {
        "matrix.mtx": f"{head}4 7 {len(entries)}\n" + "\n".join(entries) + "\n",
        "barcodes.tsv": "\n".join(counts.index) + "\n",
        "features.tsv": "".join(f"ENSG{i}\t{g}\tGene Expression\n" for i, g in enumerate(counts)),
    }
    for name, text in files.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text)
    of = pd.DataFrame({"barcode": counts.index, "donor": DONORS})
    of.to_csv(tmp_path / "cells.csv", index=False)
    command = ["data", "import", str(folder), str(tmp_path / "out"), "--pseudo-bulk", "donor"]
    assert main(command) == 2
    assert main([*command, "--cells", str(tmp_path / "cells.csv")]) == 0
    assert_pseudo_bulk(tmp_path / "out", counts)


def test_rows_of_anndata_without_a_column_are_samples(tmp_path: Path, counts: pd.DataFrame) -> None:
    anndata = pytest.importorskip("anndata")
    index = [axis.astype(object) for axis in counts.axes]
    levels = np.log2(counts.to_numpy(float) + 1.5)
    obs, var = (pd.DataFrame(index=axis) for axis in index)
    anndata.AnnData(levels, obs=obs, var=var).write_h5ad(tmp_path / "bulk.h5ad")
    import_tables([], tmp_path / "out", [tmp_path / "bulk.h5ad"])
    study = read_study(tmp_path / "out")
    assert study.expression is not None
    np.testing.assert_allclose(study.expression.to_numpy(), levels)


@pytest.mark.parametrize("kind", ["counts", "layer", "logarithms", "csr"])
def test_cells_of_anndata_are_summed_by_a_column(
    tmp_path: Path, counts: pd.DataFrame, kind: str
) -> None:
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    values = counts.to_numpy(float)
    # AnnData does not write pandas' newer kind of text.
    donors = pd.Categorical.from_codes([0, 0, 1, 1, 1, 0, -1], pd.Index(["d1", "d2"], dtype=object))
    made = anndata.AnnData(
        np.log1p(values) if kind == "logarithms" else values,
        obs=pd.DataFrame({"donor": donors}, index=counts.index.astype(object)),
        var=pd.DataFrame(index=counts.columns.astype(object)),
    )
    if kind == "layer":
        made.layers["counts"] = values
        made.X = np.log1p(values / 3)
    if kind == "csr":
        made.X = sparse.csr_matrix(values)
    made.write_h5ad(tmp_path / "cells.h5ad")
    command = ["data", "import", str(tmp_path / "cells.h5ad"), str(tmp_path / "out")]
    assert main([*command, "--pseudo-bulk", "batch"]) == 2
    assert main([*command, "--pseudo-bulk", "donor"]) == 0
    assert_pseudo_bulk(tmp_path / "out", counts)
