"""Four breast lines, written in ten spellings of public files, carry the same facts."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from sidestep.features.builders.mutation import MutationBuilder
from sidestep.features.groups import her2_high
from sidestep.features.knowledge.symbols import symbol_table
from sidestep.features.mechanisms.builder import level_genes
from sidestep.features.study.study import Study, read_study
from sidestep.features.vocabulary.effects import effects
from sidestep.features.vocabulary.protein_changes import parse_change
from sidestep.models.predictor.references import MechanismReference
from sidestep.serving.evidence.evidence import drug_facts
from sidestep.serving.evidence.states import SampleStates

LINES = ["AU565", "BT474", "HCC1954", "MDAMB361"]
DRUGS = ["Lapatinib", "Trastuzumab", "Neratinib", "Everolimus", "Alpelisib", "Palbociclib"]
WORDS = {
    "maf": ["Missense_Mutation", "Nonsense_Mutation", "In_Frame_Del", "Splice_Site", "Silent"],
    "annovar": [
        "nonsynonymous SNV", "stopgain", "nonframeshift deletion", "exonic;splicing",
        "synonymous SNV",
    ],
    "vep": [
        "missense_variant", "stop_gained&splice_region_variant", "inframe_deletion",
        "splice_donor_variant,intron_variant", "synonymous_variant",
    ],
    "snpeff": [
        "NON_SYNONYMOUS_CODING", "STOP_GAINED", "CODON_DELETION", "SPLICE_SITE_DONOR",
        "SYNONYMOUS_CODING",
    ],
    "cosmic": [
        "Substitution - Missense", "Substitution - Nonsense", "Deletion - In frame", "ess_splice",
        "Substitution - coding silent",
    ],
}  # fmt: skip
EFFECTS = ["missense", "truncating", "inframe", "splice", "silent"]
THREE = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly",
    "H": "His", "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser",
    "T": "Thr", "W": "Trp", "Y": "Tyr", "V": "Val", "*": "Ter",
}  # fmt: skip


@pytest.fixture(scope="module")
def lines(shared: Path) -> Study:
    return read_study(shared / "studies" / "breast_cell_lines")


@pytest.fixture(scope="module")
def facts_of(lines: Study) -> Callable[[Study], list[tuple[str, ...]]]:
    reference = MechanismReference.fit(lines)

    def facts(study: Study) -> list[tuple[str, ...]]:
        states = SampleStates(study, reference)
        return sorted(
            (str(states.samples[fact.row]), fact.drug, fact.shown, fact.direction, fact.source)
            for drug in DRUGS
            for fact in drug_facts(states, drug)
        )

    return facts


def long_form(change: str) -> str:
    """Three-letter form of a substitution; other changes as they are."""
    found = re.fullmatch(r"([A-Z*])(\d+)([A-Z*])", change)
    return f"{THREE[found[1]]}{found[2]}{THREE[found[3]]}" if found else change


@cache
def earlier(gene: str) -> str:
    """Another symbol that stands for this gene alone, where there is one."""
    table = symbol_table()
    others = (name for name, genes in table.others.items() if genes == (gene,))
    return next((name for name in others if name not in table.approved), gene)


def calls_of(lines: Study) -> pd.DataFrame:
    calls = lines.mutations[lines.mutations["sample_id"].isin(LINES)]
    effect = effects(calls["classification"], calls["protein_change"])
    effect = effect.replace({"start_stop": "missense"})
    change = [parse_change(text) or "" for text in calls["protein_change"].fillna("")]
    return calls.assign(effect=effect, change=change).reset_index(drop=True)


def words(calls: pd.DataFrame, vocabulary: str) -> list[str]:
    return [WORDS[vocabulary][EFFECTS.index(effect)] for effect in calls["effect"]]


def maf(calls: pd.DataFrame, vocabulary: str = "maf", **more: list[str]) -> pd.DataFrame:
    columns = {
        "Hugo_Symbol": list(calls["gene"]),
        "Tumor_Sample_Barcode": list(calls["sample_id"]),
        "Variant_Classification": words(calls, vocabulary),
        "HGVSp_Short": [f"p.{change}" for change in calls["change"]],
    }
    return pd.DataFrame({**columns, **more})


def spelled(calls: pd.DataFrame, spelling: str) -> pd.DataFrame:
    """The calls as one kind of file writes them."""
    changes = list(calls["change"])
    blank = [""] * len(calls)
    if spelling == "three letters":
        return maf(calls, HGVSp_Short=[f"p.({long_form(change)})" for change in changes])
    if spelling == "ANNOVAR":
        lists = [
            f"{gene}:NM_1:exon2:c.A1G:p.{change},{gene}:NM_2:exon2:c.A1G:p.{change}"
            for gene, change in zip(calls["gene"], changes, strict=True)
        ]
        table = maf(calls, "annovar", HGVSp_Short=blank)
        return table.assign(**{"AAChange.refGene": lists})
    if spelling == "VEP":
        hgvs = [f"ENSP00000263967.3:p.{long_form(change)}" for change in changes]
        return maf(calls, "vep", HGVSp_Short=["."] * len(calls), HGVSp=hgvs)
    if spelling == "SnpEff":
        return maf(calls, "snpeff", HGVSp_Short=changes)
    if spelling == "COSMIC":
        return maf(calls, "cosmic", HGVSp_Short=blank).assign(
            **{"Mutation AA": [f"p.{change}" for change in changes]}
        )
    if spelling == "lower case":
        low = maf(calls, HGVSp_Short=[f"p. {long_form(change).lower()}" for change in changes])
        return low.assign(Variant_Classification=low["Variant_Classification"].str.upper())
    if spelling == "words that say nothing":
        known = calls["change"].ne("") & calls["effect"].isin(["missense", "truncating"])
        table = maf(calls)
        return table.assign(
            Variant_Classification=table["Variant_Classification"].mask(known, "SNV")
        )
    if spelling == "earlier symbols":
        return maf(calls, Hugo_Symbol=[earlier(gene) for gene in calls["gene"]])
    if spelling == "twice":
        return pd.concat([maf(calls), maf(calls)])
    return maf(calls)


SPELLINGS = [
    "MAF", "three letters", "ANNOVAR", "VEP", "SnpEff", "COSMIC", "lower case",
    "words that say nothing", "earlier symbols", "twice",
]  # fmt: skip
STATUSES = ["Positive", "3+", "HER2+", "IHC 3+", "pos", "Amplified", "HER2-positive", "Yes",
            "Positive (3+)", "amp"]  # fmt: skip


def write_study(folder: Path, lines: Study, spelling: str) -> Study:
    """Write the four lines in one spelling: calls, genes, samples and status; and read them."""
    folder.mkdir()
    at = SPELLINGS.index(spelling)
    dotted = {"BT474": "BT.474", "MDAMB361": "MDA.MB.361", "HCC1954": "Hcc-1954"}
    names = {line: dotted.get(line, line) if at % 2 else line for line in LINES}
    genes = [gene for gene in level_genes() if gene in lines.expression]
    genes += [gene for gene in lines.expression.columns[:3000] if gene not in genes]

    def matrix(table: pd.DataFrame, wanted: list[str]) -> pd.DataFrame:
        rows = table.loc[LINES, wanted].T.rename(columns=names)
        symbols = [earlier(gene) if spelling == "earlier symbols" else gene for gene in wanted]
        return rows.set_axis(pd.Index(symbols, name="Hugo_Symbol")).reset_index()

    levels = matrix(lines.expression, genes)
    copies = matrix(lines.copy_number, [g for g in genes if g in lines.copy_number])
    status = ["Positive" if high else "Negative" for high in her2_high(lines)[LINES]]
    clinical = pd.DataFrame({"SAMPLE_ID": LINES, "PATIENT_ID": LINES})
    clinical["HER2_STATUS"] = [STATUSES[at] if word == "Positive" else "neg" for word in status]
    calls = spelled(calls_of(lines), spelling)
    calls["Tumor_Sample_Barcode"] = calls["Tumor_Sample_Barcode"].map(names)
    for name, kind, datatype, table in [
        ("clinical", "CLINICAL", "SAMPLE_ATTRIBUTES", clinical),
        ("rna", "MRNA_EXPRESSION", "CONTINUOUS", levels),
        ("cna", "COPY_NUMBER_ALTERATION", "LOG2-VALUE", copies),
        ("mutations", "MUTATION_EXTENDED", "MAF", calls),
    ]:
        table.to_csv(folder / f"data_{name}.txt", sep="\t", index=False, na_rep="NA")
        (folder / f"meta_{name}.txt").write_text(
            f"genetic_alteration_type: {kind}\ndatatype: {datatype}\nstable_id: {name}\n"
            f"data_filename: data_{name}.txt\n"
        )
    (folder / "meta_study.txt").write_text("cancer_study_identifier: four\nname: four lines\n")
    return read_study(folder)


@pytest.mark.slow
def test_ten_spellings_carry_the_same_facts(tmp_path, lines, facts_of):
    plain = write_study(tmp_path / "plain", lines, "MAF")
    expected = facts_of(plain)
    shown = {(line, fact) for line, _, fact, _, _ in expected}
    assert ("HCC1954", "PIK3CA H1047R (strong)") in shown
    assert len(expected) > 25
    builder = MutationBuilder(min_lines=1).fit(plain)
    features = builder.transform(plain)
    for spelling in SPELLINGS[1:]:
        study = write_study(tmp_path / spelling, lines, spelling)
        assert list(study.samples) == LINES, spelling
        assert facts_of(study) == expected, spelling
        pd.testing.assert_frame_equal(builder.transform(study), features, obj=spelling)
