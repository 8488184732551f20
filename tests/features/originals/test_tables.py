"""Tables of one's own become studies: whichever way they lie, whatever separates their cells."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.originals.parts import ALL, Source
from sidestep.features.originals.tables import import_tables
from sidestep.features.study.check import check_study
from sidestep.features.study.study import Study, read_study
from sidestep.main import main

GENES = ("ERBB2", "EGFR", "TP53", "MET")
TPM = pd.DataFrame(
    [[100.5, 1, 3, np.nan], [200, 0, 4, 2], [3, 1000, 5, 1]],
    index=pd.Index(["S-1", "S 2", "s3"], name="sample"),
    columns=list(GENES),
)
MAF = """\
#version 2.4
Hugo_Symbol\tTumor_Sample_Barcode\tVariant_Classification\tHGVSp_Short
TP53\tS1\tMissense_Mutation\tp.R175H
"""


def study_of(out: Path, *sources: Source) -> Study:
    import_tables(sources, out)
    assert not check_study(out).errors
    return read_study(out)


def put(path: Path, form: str) -> Path:
    """The table of expression in a form that some program writes."""
    if form == "parquet":
        TPM.to_parquet(path)
    elif form == "parquet with its samples as a column":
        TPM.reset_index().to_parquet(path)
    elif form == "semicolons and decimal commas":
        TPM.T.to_csv(path, sep=";", decimal=",")
    elif form == "R's header, one name short":
        lines = TPM.T.to_csv(sep="\t", na_rep="NA").splitlines()
        path.write_text("\n".join([lines[0].partition("\t")[2], *lines[1:]]) + "\n")
    elif form == "quotes everywhere, packed":
        text = TPM.T.to_csv(quoting=1, na_rep="NA")
        path.write_bytes(gzip.compress(text.encode()))
    elif form == "symbols with Entrez identifiers":
        TPM.rename(columns={"ERBB2": "ERBB2 (2064)", "EGFR": "EGFR (1956)"}).to_csv(path)
    elif form == "Ensembl identifiers and a description":
        ids = ["ENSG00000141736.14", "ENSG00000146648", "ENSG00000141510", "ENSG00000105976"]
        table = TPM.T.set_axis(pd.Index(ids, name="gene_id"))
        table.insert(0, "description", ["a, b", "c", "d", "e"])
        table.to_csv(path, sep="\t")
    elif form == "a row a sample":
        TPM.assign(batch="one").to_csv(path)
    elif form == "lines that end with a comma":
        path.write_text(TPM.T.to_csv(na_rep="NA").replace("\n", ",\n"))
    else:
        TPM.T.to_csv(path, sep="\t" if form == "tabs" else ",")
    return path


@pytest.mark.slow_but_first
@pytest.mark.parametrize(
    "form",
    [
        "commas", "tabs", "a row a sample", "parquet", "parquet with its samples as a column",
        "semicolons and decimal commas", "R's header, one name short", "quotes everywhere, packed",
        "lines that end with a comma", "symbols with Entrez identifiers",
        "Ensembl identifiers and a description",
    ],
)  # fmt: skip
def test_expression_reads_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    name = "tpm.csv.gz" if "packed" in form else "whatever.name"
    study = study_of(tmp_path / "out", Source("expression", put(tmp_path / name, form), unit="TPM"))
    assert list(study.samples) == list(TPM.index)
    assert study.expression is not None
    pd.testing.assert_frame_equal(
        study.expression[list(GENES)], np.log2(TPM + 1), check_names=False, rtol=1e-14
    )


def test_all_kinds_become_one_study_and_names_are_matched(tmp_path: Path) -> None:
    (tmp_path / "calls.maf").write_text(MAF)
    (tmp_path / "clinical.tsv").write_text(
        "Sample\tHER2 status\tDonor\nS1\tPositive\td\nS2\tNegative\td\nS3\t\t\n"
    )
    (tmp_path / "gi50.csv").write_text("drug,S1,S3\nLapatinib,7.5,5\nErlotinib,<4,5\n")
    (tmp_path / "rppa.csv").write_text("sample,HER2_pY1248,EGFR\nS1,2.5,-1\nS2,-0.5,1\n")
    (tmp_path / "cn.csv").write_text("gene,S1,S2\nERBB2,2,0\nEGFR,-1,0\nMET,0,1\n")
    (tmp_path / "sv.csv").write_text("Sample,Gene1,Gene2\nS2,EML4,ALK\n")
    study = study_of(
        tmp_path / "out",
        Source("expression", put(tmp_path / "tpm.csv", "commas"), unit="TPM"),
        Source("mutations", tmp_path / "calls.maf", sequenced=ALL),
        Source("clinical", tmp_path / "clinical.tsv"),
        Source("responses", tmp_path / "gi50.csv", unit="-log10 molar", name="gi50"),
        Source("rppa", tmp_path / "rppa.csv"),
        Source("copy_number", tmp_path / "cn.csv"),
        Source("fusions", tmp_path / "sv.csv"),
    )
    assert list(study.samples) == ["S1", "S2", "S3"]
    assert list(study.donors) == ["d", "d", "S3"]
    assert study.clinical["HER2_STATUS"].tolist()[:2] == ["Positive", "Negative"]
    assert study.sequenced is not None
    assert list(study.sequenced) == ["S1", "S2", "S3"]
    assert study.mutations is not None
    assert study.mutations.iloc[0].tolist()[:2] == ["S1", "TP53"]
    assert study.rppa is not None
    assert study.rppa.loc["S1", "ERBB2_pY1248"] == 2.5
    assert study.copy_number_kind == "discrete"
    assert study.fusions is not None
    assert study.fusions.iloc[0].tolist() == ["S2", "EML4", "ALK"]
    response = study.response("gi50")
    assert not response.higher_is_resistant
    assert response.values.loc["S1"].to_dict() == {"Erlotinib": 4.0, "Lapatinib": 7.5}


def test_tables_that_share_no_sample_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "calls.maf").write_text(MAF.replace("\tS1\t", "\tpatient-1\t"))
    sources = [Source("expression", put(tmp_path / "tpm.csv", "commas"), unit="TPM"),
               Source("mutations", tmp_path / "calls.maf", sequenced=ALL)]  # fmt: skip
    made = import_tables(sources, tmp_path / "out")
    assert made.told[-1].startswith(
        "WARNING: calls.maf: none of its 1 sample(s), such as patient-1"
    )
    (tmp_path / "calls.maf").write_text(MAF)
    made = import_tables(sources, tmp_path / "again")
    assert made.told[-1] == ("calls.maf: 1 sample(s) go by the name of another table: S1 as S-1")


@pytest.mark.parametrize(
    "text",
    [
        "SYMBOL\tConsequence\tHGVSp\tIND\nERBB2\tmissense_variant\tp.Leu755Ser\tt\n",
        "## VEP\n#Uploaded_variation\tConsequence\tAmino_acids\tProtein_position\tExtra\n"
        "x\tmissense_variant\tL/S\t755\tIMPACT=MODERATE;SYMBOL=ERBB2\n",
        "##fileformat\n#CHROM\tPOS\tREF\tALT\tGene.refGene\tExonicFunc.refGene\tAAChange.refGene\n"
        "17\t1\tA\tG\tERBB2\tnonsynonymous SNV\tERBB2:NM_004448:exon20:c.T2264C:p.L755S\n",
        "CHROM,POS,REF,ALT,ANN[*].GENE,GENE_NAME,ANN[*].EFFECT,ANN[*].HGVS_P\n"
        "17,1,A,G,ERBB2,ERBB2,missense_variant,p.Leu755Ser\n",
        "sample,ERBB2,TP53\nt,L755S,WT\nu,WT,NS\n",
        "gene,t,u\nERBB2,L755S,0\nTP53,0,0\n",
    ],
    ids=["vep", "vep extra", "annovar", "snpeff", "samples x genes", "genes x samples"],
)
def test_calls_in_the_dialects_of_annotators(tmp_path: Path, text: str) -> None:
    source = tmp_path / "t.hg38_multianno.txt"
    source.write_text(text)
    study = study_of(tmp_path / "out", Source("mutations", source))
    assert study.mutations is not None
    call = study.mutations.iloc[0]
    assert (call["sample_id"], call["gene"]) == ("t", "ERBB2")
    assert "755" in call["protein_change"]
    wide = text.startswith(("sample,", "gene,"))
    assert study.sequenced is not None
    assert list(study.sequenced) == (["t", "u"] if wide else ["t"])
    if wide:
        assert study.panels["imported"] == {"ERBB2", "TP53"}


def test_counts_become_counts_per_million_and_must_be_said(tmp_path: Path) -> None:
    source = tmp_path / "c.csv"
    source.write_text("gene,a,b\nERBB2,900,50\nEGFR,100,0\nTP53,0,50\n")
    with pytest.raises(InputError, match="look like counts; say --unit counts"):
        import_tables([Source("expression", source)], tmp_path / "none")
    study = study_of(tmp_path / "out", Source("expression", source, unit="counts"))
    assert study.expression is not None
    np.testing.assert_allclose(study.expression.loc["b", "TP53"], np.log2(5e5 + 1))


def test_probes_of_an_array_take_their_symbols(tmp_path: Path) -> None:
    (tmp_path / "array.txt").write_text("ID_REF\tg1\tg2\np1\t8\t9\np2\t10\t9\np3\t4\t5\n")
    (tmp_path / "gpl.tsv").write_text("ID\tGene Symbol\np1\tERBB2\np2\tERBB2\np3\tA /// B\n")
    source = Source("expression", tmp_path / "array.txt", unit="microarray log2",
                    probes=tmp_path / "gpl.tsv")  # fmt: skip
    study = study_of(tmp_path / "out", source)
    assert study.expression is not None
    assert study.expression["ERBB2"].to_dict() == {"g1": 9.0, "g2": 9.0}


def test_two_responses_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("drug,a\nLapatinib,1\n")
    source = Source("responses", tmp_path / "r.csv", unit="ln IC50", name="x")
    with pytest.raises(InputError, match="are both called treatment_x; give each a name"):
        import_tables([source, source], tmp_path / "out")


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        ("expression", "gene,a\nERBB2,high\nMET,1\n", r"line 2 \(ERBB2\), column a: 'high'"),
        ("expression", "gene,a,b\nERBB2,1\n", r"line 2 has 2 field\(s\) where the header has 3"),
        ("expression", "x,a,b\nq1,1,2\nq2,1,2\n", "say where the samples are: --samples columns"),
        ("expression", "gene,a,a\nERBB2,1,2\n", r"1 sample\(s\) more than once: a"),
        ("expression", "just words\n", "single column"),
        ("expression", "<!DOCTYPE html>\n<html>\n", "is a web page"),
        ("responses", "drug,a\nLapatinib,1\n", "need a direction; say --direction"),
        ("mutations", "sample,ERBB2\nt,1\n", "say that genes are mutated and not how"),
        ("mutations", "Hugo_Symbol,HGVSp_Short\nERBB2,p.L755S\n", "names the effect of a call"),
        (
            "mutations",
            "##VCF\n#CHROM\tPOS\tREF\tALT\tINFO\n1\t5\tA\tG\tDP=5\n",
            "is a VCF, which names",
        ),
        ("clinical", "Sample,x\na,1\na,2\n", r"1 sample\(s\) more than once in Sample: a"),
        ("fusions", "Sample,Gene1\na,ALK\n", "has no column Site2_Hugo_Symbol"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, kind: str, text: str, why: str
) -> None:
    source = tmp_path / "t.csv"
    source.write_text(text)
    with pytest.raises(InputError, match=why):
        import_tables([Source(kind, source)], tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_unit_is_what_was_said_whatever_the_file_is_called(tmp_path: Path) -> None:
    table = put(tmp_path / "tpm.csv", "commas")
    with pytest.raises(InputError, match=r"unit .furlongs. of tpm\.csv is not known; write"):
        import_tables([Source("expression", table, unit="furlongs")], tmp_path / "out")
    scored = table.rename(tmp_path / "z-scores.csv")
    study = study_of(tmp_path / "out", Source("expression", scored, unit="TPM"))
    assert study.expression is not None
    expected = np.log2(TPM + 1)
    pd.testing.assert_frame_equal(study.expression[list(GENES)], expected, check_names=False)


def test_the_command_takes_options_or_a_mapping_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tpm = put(tmp_path / "tpm.csv", "commas")
    (tmp_path / "calls.maf").write_text(MAF)
    by_options = ["--expression", str(tpm), "--unit", "TPM", "--sequenced", "all",
                  "--mutations", str(tmp_path / "calls.maf")]  # fmt: skip
    assert main(["data", "import", *by_options, "--name", "Ours", str(tmp_path / "a")]) == 0
    told = capsys.readouterr().out
    assert "tpm.csv: a row a gene, a column a sample" in told
    assert "scale: log2(TPM + 1)" in told
    (tmp_path / "study.toml").write_text(
        "id = 'a'\nname = 'Ours'\n[expression]\nfile = 'tpm.csv'\nunit = 'TPM'\n"
        "[mutations]\nfile = 'calls.maf'\nsequenced = 'all'\n"
    )
    assert main(["data", "import", str(tmp_path / "study.toml"), str(tmp_path / "b")]) == 0
    for path in sorted((tmp_path / "a").rglob("*.txt")):
        assert (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_text() == path.read_text()
    (tmp_path / "study.toml").write_text("[expresion]\nfile = 'tpm.csv'\n")
    assert main(["data", "import", str(tmp_path / "study.toml"), str(tmp_path / "c")]) == 2
    assert "'expresion' is none of expression, rppa" in capsys.readouterr().err
    for name in ("../../evil", "a\\\\b", ""):
        text = f'[[responses]]\nfile = "r.csv"\nexact = true\nname = "{name}"\n[responses.meta]\n'
        (tmp_path / "r.csv").write_text("drug,a\nLapatinib,1\n")
        (tmp_path / "study.toml").write_text(f'{text}stable_id = "x\\ny: z/"\n')
        code = main(["data", "import", str(tmp_path / "study.toml"), str(tmp_path / "deep" / "d")])
        assert code == 2
        assert "cannot be part of a file's name" in capsys.readouterr().err
        assert not (tmp_path / "deep").exists()
    (tmp_path / "study.toml").write_text("[expression]\nfile = '/etc/passwd'\n")
    assert main(["data", "import", str(tmp_path / "study.toml"), str(tmp_path / "c")]) == 2
    assert "leads out of the mapping's folder" in capsys.readouterr().err
