"""A study of four samples with every kind of file, and a factory that changes files of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from sidestep.features.archives.archive import import_archive
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study, read_study

StudyFactory = Callable[..., Path]


def _meta(kind: str, datatype: str, stable_id: str, data: str, **more: str) -> str:
    lines = {
        "cancer_study_identifier": "small",
        "genetic_alteration_type": kind,
        "datatype": datatype,
        "stable_id": stable_id,
        **more,
        "data_filename": data,
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def _table(*rows: str) -> str:
    return "".join("\t".join(row.split()) + "\n" for row in rows)


# SKBR3 and AU565 are one donor; 697 is a name of digits only; X4 has no expression.
SMALL: Mapping[str, str] = {
    "meta_study.txt": "cancer_study_identifier: small\nname: A small study: four samples\n",
    "meta_clinical_sample.txt": _meta(
        "CLINICAL", "SAMPLE_ATTRIBUTES", "sample", "data_clinical_sample.txt"
    ),
    "data_clinical_sample.txt": "#Patient\tSample\tLineage\n#STRING\tSTRING\tSTRING\n"
    + _table(
        "PATIENT_ID SAMPLE_ID LINEAGE",
        "D1 SKBR3 breast",
        "D1 AU565 breast",
        "D2 697 blood",
        "NA X4 NA",
    ),
    "meta_clinical_patient.txt": _meta(
        "CLINICAL", "PATIENT_ATTRIBUTES", "patient", "data_clinical_patient.txt"
    ),
    "data_clinical_patient.txt": _table("PATIENT_ID AGE", "D1 43", "D2 12", "X4 [Unknown]"),
    "meta_expression.txt": _meta("MRNA_EXPRESSION", "CONTINUOUS", "rna", "data_expression.txt"),
    "data_expression.txt": _table(
        "Hugo_Symbol Entrez_Gene_Id 697 AU565 SKBR3 X4",
        "ERBB2 2064 1.5 9 10 NA",
        "EGFR 1956 2 NaN 4 NA",
    ),
    "meta_rppa.txt": _meta("PROTEIN_LEVEL", "LOG2-VALUE", "rppa", "data_rppa.txt"),
    "data_rppa.txt": _table(
        "Composite.Element.REF SKBR3 AU565",
        "ERBB2|HER2-M-V 3 2.5",
        "ERBB2|HER2_pY1248-R-C 2 1.5",
    ),
    "meta_cna.txt": _meta("COPY_NUMBER_ALTERATION", "DISCRETE", "cna", "data_cna.txt"),
    "data_cna.txt": _table("Hugo_Symbol SKBR3 697", "ERBB2 2 0", "TP53 -1 0"),
    "meta_mutations.txt": _meta("MUTATION_EXTENDED", "MAF", "mutations", "data_mutations.txt"),
    "data_mutations.txt": "#version 2.4\n"
    + _table(
        "Hugo_Symbol Entrez_Gene_Id Variant_Classification Tumor_Sample_Barcode HGVSp_Short",
        "TP53 7157 Missense_Mutation 697 p.R175H",
        "TP53 7157 Missense_Mutation SKBR3 p.R175H",
        "PIK3CA 5290 Silent SKBR3 NA",
    ),
    "case_lists/cases_sequenced.txt": "stable_id: small_sequenced\ncase_list_ids: SKBR3\t697\tX4\n",
    "meta_gene_panel_matrix.txt": _meta(
        "GENE_PANEL_MATRIX", "GENE_PANEL_MATRIX", "matrix", "data_gene_panel_matrix.txt"
    ),
    "data_gene_panel_matrix.txt": _table("SAMPLE_ID mutations", "SKBR3 two_genes", "697 WXS"),
    "data_gene_panel_two_genes.txt": "stable_id: two_genes\ngene_list: TP53\tPIK3CA\n",
    "meta_sv.txt": _meta("STRUCTURAL_VARIANT", "SV", "sv", "data_sv.txt"),
    "data_sv.txt": _table("Sample_Id Site1_Hugo_Symbol Site2_Hugo_Symbol", "697 TCF3 PBX1"),
    "meta_treatment_gi50.txt": _meta(
        "GENERIC_ASSAY",
        "LIMIT-VALUE",
        "screen_gi50",
        "data_treatment_gi50.txt",
        generic_assay_type="TREATMENT_RESPONSE",
        profile_name="Drug response: GI50",
        profile_description="Unit: -log10 of GI50 in molar. Direction: higher is more sensitive.",
        value_sort_order="DESC",
    ),
    "data_treatment_gi50.txt": _table(
        "ENTITY_STABLE_ID NAME URL SKBR3 AU565 697",
        "lap Lapatinib NA 7.1 6.9 4.5",
        "sel-1 Selumetinib NA 5 NA 6",
        "sel-2 Selumetinib NA 5.5 NA 6.5",
    ),
}


@pytest.fixture
def make_study(tmp_path: Path) -> StudyFactory:
    """Write the small study: `changes` replace files by name, None leaves one out."""

    def make(changes: Mapping[str, str | bytes | None] | None = None) -> Path:
        folder = tmp_path / "small"
        for name, content in {**SMALL, **(changes or {})}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink(missing_ok=True)
                continue
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return folder

    return make


@pytest.fixture(scope="session")
def real_study(shared: Path) -> Callable[[str], Study]:
    """Real studies by name, each read once."""
    return cache(lambda name: read_study(shared / "studies" / name))


@pytest.fixture
def small() -> Mapping[str, str]:
    """The files of the small study, for a test that changes one by text."""
    return SMALL


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., None]:
    """Import an archive, which is refused in a sentence with these words and leaves no trace."""

    def refuse(archive: Path, *said: str) -> None:
        before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
        with pytest.raises(InputError) as caught:
            import_archive(archive, tmp_path / "new" / "study")
        message = str(caught.value)
        for part in (archive.name, *said):
            assert part in message
        assert "\n" not in message
        assert caught.value.exit_code == 2
        assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before

    return refuse
