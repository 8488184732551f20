"""Mutations and fusions of simulated samples: planted drivers among passengers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.simulation.biology import ENTREZ
from sidestep.features.simulation.samples import SimulatedSamples, random_stream

#: Genes whose protein-changing mutations are all planted; passengers in them are silent.
PLANTED_GENES: Final = ("PIK3CA", "PTEN", "ALK", "KRAS", "BRAF", "EGFR", "TP53")

#: Driver changes of a gene: (HGVS protein change, classification).
CHANGES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "PIK3CA": (
        ("p.H1047R", "Missense_Mutation"),
        ("p.E545K", "Missense_Mutation"),
        ("p.E542K", "Missense_Mutation"),
    ),
    "PTEN": (
        ("p.R130*", "Nonsense_Mutation"),
        ("p.R233*", "Nonsense_Mutation"),
        ("p.K267fs", "Frame_Shift_Del"),
        ("NA", "Splice_Site"),
    ),
    "KRAS": (
        ("p.G12D", "Missense_Mutation"),
        ("p.G12V", "Missense_Mutation"),
        ("p.G13D", "Missense_Mutation"),
    ),
    "BRAF": (("p.V600E", "Missense_Mutation"),),
    "EGFR": (("p.L858R", "Missense_Mutation"),),
    "ALK": (("p.F1174L", "Missense_Mutation"),),
    "TP53": (
        ("p.R175H", "Missense_Mutation"),
        ("p.R248Q", "Missense_Mutation"),
        ("p.R273H", "Missense_Mutation"),
        ("p.R213*", "Nonsense_Mutation"),
        ("p.R342*", "Nonsense_Mutation"),
    ),
}

#: Part of the samples with a TP53 mutation: common, and tied to no drug here.
_TP53_SHARE: Final = 0.55
#: Part of the lung lines with high EGFR that carry p.L858R.
_EGFR_MUTANT_SHARE: Final = 0.4
#: Filler genes on the gene panel.
_PANEL_FILLERS: Final = 80
#: Mean number of passengers of a sample; single samples vary around it.
_PASSENGERS: Final = 12.0

_PASSENGER_CLASSES: Final = (
    ("Missense_Mutation", 0.60),
    ("Silent", 0.22),
    ("Nonsense_Mutation", 0.06),
    ("Frame_Shift_Del", 0.05),
    ("Frame_Shift_Ins", 0.03),
    ("In_Frame_Del", 0.01),
    ("Splice_Site", 0.03),
)
_RESIDUES: Final = "ACDEFGHIKLMNPQRSTVWY"

MAF_COLUMNS: Final = (
    "Hugo_Symbol",
    "Entrez_Gene_Id",
    "Center",
    "Variant_Classification",
    "Tumor_Sample_Barcode",
    "HGVSp_Short",
)


def panel_genes(genes: pd.Index) -> list[str]:
    """Genes that the simulated assay covers: the named ones and some of the fillers."""
    fillers = [gene for gene in genes if gene not in ENTREZ][:_PANEL_FILLERS]
    return sorted([*ENTREZ, *fillers])


def measure_mutations(samples: SimulatedSamples, entrez: pd.Series, seed: int) -> pd.DataFrame:
    """Mutation calls of every sample, planted drivers and passengers.

    Returns
    -------
    pandas.DataFrame
        One call a row, the columns of a MAF file (`MAF_COLUMNS`), in sample and gene order.
    """
    drivers = _drivers_by_donor(samples, random_stream(seed, f"drivers of {samples.kind}"))
    rng = random_stream(seed, f"passengers of {samples.kind}")
    panel = panel_genes(entrez.index)
    rows = []
    for sample in samples.names:
        calls = dict(drivers[samples.donors[sample]])
        # A quiet genome or two: a sequenced sample may have few calls, or none.
        burden = rng.poisson(_PASSENGERS * rng.gamma(2.0, 0.5))
        for gene in rng.choice(panel, size=min(burden, len(panel) // 2), replace=False):
            passenger = _passenger(str(gene) in PLANTED_GENES, rng)
            calls.setdefault(str(gene), passenger)
        for gene in sorted(calls):
            change, classification = calls[gene]
            rows.append((gene, entrez[gene], "Simulation", classification, sample, change))
    table = pd.DataFrame(rows, columns=list(MAF_COLUMNS))
    known = table["HGVSp_Short"].where(table["HGVSp_Short"] != "NA")
    return table.assign(HGVSp_Short=known)


def planted_genes(calls: pd.DataFrame) -> frozenset[str]:
    """Genes with a planted driver among the calls (other calls in them are silent)."""
    planted = calls["Hugo_Symbol"].isin(PLANTED_GENES) & (
        calls["Variant_Classification"] != "Silent"
    )
    return frozenset(calls.loc[planted, "Hugo_Symbol"])


def _drivers_by_donor(
    samples: SimulatedSamples, rng: np.random.Generator
) -> dict[str, dict[str, tuple[str, str]]]:
    """Donor -> gene -> driver change; lines of one donor share them."""
    table: dict[str, dict[str, tuple[str, str]]] = {}
    for sample in samples.names:
        donor = str(samples.donors[sample])
        if donor in table:
            continue
        state = samples.latents.loc[sample]
        group = str(samples.groups[sample])
        genes = []
        if state["pik3ca_hotspot"]:
            genes.append("PIK3CA")
        if state["pten_loss"] and not state["pten_deleted"]:
            genes.append("PTEN")
        if state["mapk_mutant"]:
            genes.append("BRAF" if group == "skin" else "KRAS")
        if state["alk_f1174l"]:
            genes.append("ALK")
        if state["egfr_high"] and group == "lung" and rng.random() < _EGFR_MUTANT_SHARE:
            genes.append("EGFR")
        if rng.random() < _TP53_SHARE:
            genes.append("TP53")
        table[donor] = {gene: _pick(CHANGES[gene], rng) for gene in genes}
    return table


def _pick(changes: Sequence[tuple[str, str]], rng: np.random.Generator) -> tuple[str, str]:
    """One of the changes."""
    return changes[int(rng.integers(len(changes)))]


def _passenger(only_silent: bool, rng: np.random.Generator) -> tuple[str, str]:
    """A random protein change and its classification."""
    names = [name for name, _ in _PASSENGER_CLASSES]
    shares = [share for _, share in _PASSENGER_CLASSES]
    classification = "Silent" if only_silent else str(rng.choice(names, p=shares))
    old, new = (_RESIDUES[i] for i in rng.choice(len(_RESIDUES), size=2, replace=False))
    place = int(rng.integers(2, 900))
    change = {
        "Missense_Mutation": f"p.{old}{place}{new}",
        "Silent": f"p.{old}{place}=",
        "Nonsense_Mutation": f"p.{old}{place}*",
        "Frame_Shift_Del": f"p.{old}{place}fs",
        "Frame_Shift_Ins": f"p.{old}{place}fs",
        "In_Frame_Del": f"p.{old}{place}del",
        "Splice_Site": "NA",
    }[classification]
    return change, classification


def measure_fusions(samples: SimulatedSamples, entrez: pd.Series, seed: int) -> pd.DataFrame:
    """Fusions: EML4-ALK where planted, and a passenger between filler genes in one in five.

    Returns
    -------
    pandas.DataFrame
        One fusion a row, the columns of a cBioPortal structural-variant file.
    """
    rng = random_stream(seed, f"fusions of {samples.kind}")
    fillers = [str(gene) for gene in entrez.index if gene not in ENTREZ]
    rows = []
    for sample in samples.names:
        pairs = [("EML4", "ALK")] if samples.latents.loc[sample, "alk_fusion"] else []
        if rng.random() < 0.2:
            first, second = rng.choice(fillers, size=2, replace=False)
            pairs.append((str(first), str(second)))
        for first, second in pairs:
            rows.append(
                {
                    "Sample_Id": sample,
                    "SV_Status": "SOMATIC",
                    "Site1_Hugo_Symbol": first,
                    "Site1_Entrez_Gene_Id": entrez[first],
                    "Site2_Hugo_Symbol": second,
                    "Site2_Entrez_Gene_Id": entrez[second],
                    "Event_Info": f"{first}-{second} fusion",
                    "Class": "FUSION",
                }
            )
    return pd.DataFrame(rows)
