"""Facts of CIViC on a sample's changes and a drug, read from a folder that a user names.

CIViC (Griffith et al., Nature Genetics 2017, DOI:10.1038/ng.3774) collects clinical interpretations
of variants. Its free text is not repeated here: it names cell lines and cohorts that a model may
have been tested on. What CIViC does not support points neither way, and so does what was shown of a
drug together with others, since it is no evidence on the drug alone.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.knowledge.conditions import Term
from sidestep.features.knowledge.variants import driver_hotspots, suppressors
from sidestep.serving.evidence.facts import NONE, RESISTANCE, SENSITIVITY, Fact, joined
from sidestep.serving.evidence.kinship import canonical
from sidestep.serving.evidence.states import SampleStates

#: File of CIViC's predictive evidence in the knowledge folder.
CIVIC_FILE = "civic_dec2022_predictive_parsed_variants.csv"
#: The same as CIViC publishes it every night (``sidestep data fetch civic``); read first.
NIGHTLY_FILE = "nightly-AcceptedClinicalEvidenceSummaries.tsv"

_COLUMNS = (
    "gene", "variant", "disease", "drugs", "drug_interaction_type", "evidence_direction",
    "evidence_level", "clinical_significance", "evidence_id", "citation_id", "source_type",
    "variant_origin",
)  # fmt: skip
# Column of the nightly file -> what it is called here. A profile is a gene and its variant.
_NIGHTLY = {
    "therapies": "drugs",
    "therapy_interaction_type": "drug_interaction_type",
    "significance": "clinical_significance",
}
_NIGHTLY_COLUMNS = (
    "molecular_profile", "disease", "therapies", "therapy_interaction_type", "evidence_type",
    "evidence_direction", "evidence_level", "significance", "evidence_id", "citation_id",
    "source_type", "variant_origin",
)  # fmt: skip
_MEANS = {
    "Sensitivity/Response": SENSITIVITY,
    "Resistance": RESISTANCE,
    "Reduced Sensitivity": RESISTANCE,
}
_TOGETHER = ("Combination", "Sequential")
_CHANGE = re.compile(r"[A-Z]\d+[A-Z*]?")
_ANY_CHANGE = "MUTATION"
_FUSION = "::"


def read_civic(folder: str | Path | None) -> pd.DataFrame | None:
    """Read CIViC's predictive evidence from a knowledge folder.

    Parameters
    ----------
    folder : path or None
        None, or a folder without the file, gives None: everything else works without it.

    Returns
    -------
    DataFrame or None
        One row an evidence item: `gene, variant, drug, drug_key, direction, level, stated,
        disease, source`. Only what can be matched to a sample: single residues, substitutions,
        fusions of two named genes, and mutations of a gene as a whole; somatic ones.

    Raises
    ------
    InputError
        If the file lacks a column or cannot be read as CSV.
    """
    path = civic_path(folder)
    if path is None:
        return None
    nightly = path.name == NIGHTLY_FILE
    try:
        # No cell of the nightly file is quoted, and some have a quotation mark.
        table = pd.read_csv(
            path,
            dtype="str",
            keep_default_na=False,
            sep="\t" if nightly else ",",
            quoting=csv.QUOTE_NONE if nightly else csv.QUOTE_MINIMAL,
        )
    except (ValueError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path} cannot be read ({reason}); fetch CIViC's file again") from None
    needed = _NIGHTLY_COLUMNS if nightly else _COLUMNS
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise InputError(f"{path} lacks the column {missing[0]}; it needs {', '.join(needed)}")
    if nightly:
        table = _from_nightly(table)
    table = table[table["variant_origin"].isin(["Somatic", "Unknown", ""])]
    usable = [_can_match(variant) for variant in table["variant"]]
    return _items(table[usable])


def civic_path(folder: str | Path | None) -> Path | None:
    """CIViC's file of a knowledge folder, the nightly one first; None where there is none."""
    if folder is None:
        return None
    paths = (Path(folder) / name for name in (NIGHTLY_FILE, CIVIC_FILE))
    return next((path for path in paths if path.exists()), None)


def _from_nightly(table: pd.DataFrame) -> pd.DataFrame:
    """The nightly file as the other one is: one gene, variant and drug a row, predictive alone."""
    table = table[table["evidence_type"].str.casefold() == "predictive"].rename(columns=_NIGHTLY)
    # A profile of several variants ("EGFR L858R AND EGFR T790M") has blanks in its second part.
    parts = table["molecular_profile"].str.partition(" ")
    variant = parts[2].str.strip()
    fusion = variant.str.fullmatch("(?i)fusion") & parts[0].str.contains(_FUSION, regex=False)
    # "EML4::ALK Fusion" is about the gene whose kinase is kept: the last one.
    gene = parts[0].where(~fusion, parts[0].str.rpartition(_FUSION)[2])
    variant = variant.where(~fusion, parts[0])
    variant = variant.where(variant.str.upper() != _ANY_CHANGE, _ANY_CHANGE)
    table = table.assign(gene=gene, variant=variant, drugs=table["drugs"].str.split(","))
    table = table.explode("drugs", ignore_index=True)
    return table.assign(drugs=table["drugs"].fillna("").str.strip())


def civic_facts(
    states: SampleStates,
    drug: str,
    civic: pd.DataFrame | None,
    overruled: Mapping[tuple[int, str], str],
) -> list[Fact]:
    """Facts of CIViC that apply to some samples and one drug; none without its table.

    Items of one variant, direction, level and statement are one fact. An item about any mutation
    of a gene applies to samples with a hot spot that drives, or, where the hotspot table has the
    gene as one that drives by its loss, with a call that cuts it short.

    Parameters
    ----------
    states : SampleStates
    drug : str
    civic : DataFrame or None
        As `read_civic` returns.
    overruled : mapping
        (sample, gene) -> changes of that gene that make the drug fail. Sensitivity by the gene
        then points neither way.
    """
    if civic is None:
        return []
    items = civic[(civic["drug_key"] == canonical(drug)).to_numpy()]
    facts = []
    together = ["gene", "variant", "direction", "level", "stated"]
    for key, group in items.groupby(together, sort=True):
        gene, variant, direction, level, stated = (str(part) for part in key)
        diseases = joined(sorted(group["disease"]), ", ")
        for row in map(int, np.flatnonzero(_carriers(states, gene, variant))):
            against = overruled.get((row, gene), "") if direction == SENSITIVITY else ""
            note = f"Overruled here by {against}" if against else ""
            facts.append(
                Fact(
                    drug=drug,
                    row=row,
                    shown=_shown(states, gene, variant, row),
                    kind="fusion" if _FUSION in variant else "variant",
                    direction=NONE if against else direction,
                    strength=f"CIViC {level}",
                    statement=joined([f"{stated} ({gene} {variant}; {diseases})", note], ". "),
                    source=joined(group["source"]),
                )
            )
    return facts


def _items(table: pd.DataFrame) -> pd.DataFrame:
    alone = ~table["drug_interaction_type"].isin(_TOGETHER)
    supports = (alone & (table["evidence_direction"] == "Supports")).to_numpy()
    meant = table["clinical_significance"].map(_MEANS).fillna(NONE).to_numpy()
    names = ("evidence_direction", "clinical_significance", "drug_interaction_type")
    stated = [_statement(*cells) for cells in zip(*(table[name] for name in names), strict=True)]
    number = table["citation_id"].str.extract(r"^(\d+)", expand=False).fillna("")
    pubmed = ("PMID:" + number).where((table["source_type"] == "PubMed") & (number != ""), "")
    items = ("CIViC:EID" + table["evidence_id"]).to_list()
    return pd.DataFrame(
        {
            "gene": table["gene"].to_numpy(),
            "variant": table["variant"].to_numpy(),
            "drug": table["drugs"].to_numpy(),
            "drug_key": [canonical(name) for name in table["drugs"]],
            "direction": np.where(supports, meant, NONE),
            "level": table["evidence_level"].to_numpy(),
            "stated": stated,
            "disease": table["disease"].to_numpy(),
            "source": [joined(pair) for pair in zip(pubmed, items, strict=True)],
        }
    )


def _statement(direction: str, significance: str, interaction: str) -> str:
    what = significance.split("/")[0].lower()
    beside = ", given with other drugs" if interaction in _TOGETHER else ""
    return f"Evidence {direction.lower()} {what}{beside}"


def _can_match(variant: str) -> bool:
    is_fusion = _FUSION in variant and " " not in variant
    return variant == _ANY_CHANGE or is_fusion or bool(_CHANGE.fullmatch(variant))


def _carriers(states: SampleStates, gene: str, variant: str) -> np.ndarray:
    if _FUSION in variant:
        fused = states.shows(Term("fusion", "gene", gene)) == 1.0
        partners = set(variant.split(_FUSION)) - {gene}
        for row in np.flatnonzero(fused):
            found = set(re.split("[-/]", states.fusion(gene, int(row)))) - {gene}
            fused[row] = bool(partners & found)
        return np.asarray(fused)
    carried = np.zeros(len(states.samples), dtype=bool)
    if variant != _ANY_CHANGE:
        carried[states.carriers(gene, variant)] = True
        return carried
    for spot in driver_hotspots(gene):
        carried[states.carriers(gene, spot.change or spot.residue)] = True
    if gene in suppressors():
        carried |= states.calls.truncated(gene) == 1.0
    return carried


def _shown(states: SampleStates, gene: str, variant: str, row: int) -> str:
    if _FUSION in variant:
        return states.fusion(gene, row)
    changes = states.changes(gene, row)
    if variant != _ANY_CHANGE:
        changes = [change for change in changes if change.startswith(variant)]
    return f"{gene} {'/'.join(changes) or 'mutated'}"
