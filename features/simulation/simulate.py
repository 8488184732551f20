"""Whole simulated studies with planted mechanisms, and the truth beside them.

A simulated study has the format of a real one and says in its meta file that it is simulated.
Its ``truth/`` tables, beside the data, hold what no real study can: the latent mechanisms of every
sample, what drives each drug and by how much, and the responses without noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd

from sidestep.features.files.owned import listed
from sidestep.features.files.study_writer import StudyDraft, require_free, write_study
from sidestep.features.simulation.assays import (
    STYLE,
    SimulatedAntibody,
    gene_table,
    measure_copy_number,
    measure_expression,
    measure_rppa,
    rna_shift,
    rppa_panel,
)
from sidestep.features.simulation.biology import ENTREZ, GROUP_ATTRIBUTE, GROUP_SHARES
from sidestep.features.simulation.drugs import (
    MECHANISM_FEATURES,
    SCALES,
    driver_table,
    group_offsets,
    potencies,
)
from sidestep.features.simulation.folder import (
    case_lists,
    clinical_file,
    copy_number_file,
    draw_coverage,
    expression_file,
    fusion_file,
    gene_panel,
    mutation_files,
    response_file,
    rppa_file,
)
from sidestep.features.simulation.mutations import measure_fusions, measure_mutations, planted_genes
from sidestep.features.simulation.plan import SimulationPlan
from sidestep.features.simulation.samples import SimulatedSamples, draw_samples, random_stream
from sidestep.features.study.antibodies import parse_antibody

__all__ = ["SimulationPlan", "Truth", "simulate", "simulate_study"]

_TITLES: Final[Mapping[str, str]] = {
    "breast": "Simulated breast cancer cell lines",
    "pancan": "Simulated pan-cancer cell lines",
    "cohort": "Simulated breast cancer cohort without responses",
}


@dataclass(frozen=True)
class Truth:
    """What is true of a simulated study; ``truth/`` holds the same.

    Attributes
    ----------
    mechanisms : pandas.DataFrame
        Samples x mechanisms: activities, states (0 or 1), lineages or subtypes (0 or 1).
    drivers : pandas.DataFrame
        Planted effects, one a row (see `features.simulation.drugs.driver_table`).
    responses : pandas.DataFrame
        Samples x drugs without noise, in `unit`. It is the drug's base level plus, for each of
        its drivers, effect times the mechanism's value (times that of `only_with`).
    metric, unit : str
        The response's metric and unit.
    """

    mechanisms: pd.DataFrame
    drivers: pd.DataFrame
    responses: pd.DataFrame
    metric: str
    unit: str

    def tables(self) -> dict[str, pd.DataFrame]:
        """Path in the study folder -> table, one value a row."""
        responses = _long(self.responses, "drug", "response")
        return {
            "truth/mechanisms.tsv": _long(self.mechanisms, "mechanism", "value"),
            "truth/drivers.tsv": self.drivers,
            "truth/responses.tsv": responses.assign(metric=self.metric, unit=self.unit),
        }


def _long(table: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    """Samples x columns, one value a row, in the samples' order."""
    named = table.rename_axis(index="sample_id", columns=column)
    return pd.Series(named.stack()).reset_index(name=value)


def simulate_study(out: str | Path, plan: SimulationPlan) -> Truth:
    """Write one simulated study, whole or not at all.

    Parameters
    ----------
    out : path
        Folder to make; it may exist if it is empty.
    plan : SimulationPlan
        What to simulate. The same plan gives the same bytes.

    Returns
    -------
    Truth
        What was planted.

    Raises
    ------
    InputError
        If `out` holds files already or cannot be written.
    """
    path = require_free(out)
    draft, truth = _draft(plan)
    write_study(path, draft)
    return truth


def simulate(
    out: str | Path,
    seed: int = 0,
    lines: int = 60,
    genes: int = 800,
    *,
    pancan_lines: int = 160,
    cohort_samples: int = 24,
    noise: float = 0.75,
    missing: float = 0.25,
) -> dict[str, Truth]:
    """Write three simulated studies that share one biology.

    ``breast_sim`` and ``pancan_sim`` are to train on, ``cohort_sim`` is to score: some of its
    samples lack RPPA, some lack mutations, and one has expression only.

    Parameters
    ----------
    out : path
        Folder for the three study folders.
    seed, genes, noise, missing
        As in `SimulationPlan`.
    lines, pancan_lines, cohort_samples : int
        Samples of the three studies.

    Returns
    -------
    dict
        Name of the study folder -> its truth.

    Raises
    ------
    InputError
        If a value is out of its range, or one of the folders holds files already, others than
        these studies of an earlier call that was killed; nothing is written then.
    """
    counts = {"breast": lines, "pancan": pancan_lines, "cohort": cohort_samples}
    plans = [
        SimulationPlan(kind=kind, lines=count, genes=genes, seed=seed, noise=noise, missing=missing)
        for kind, count in counts.items()
    ]
    folder = Path(out)
    written = {plan.study_id: _written_before(folder / plan.study_id, plan) for plan in plans}
    if all(truth is not None for truth in written.values()):
        require_free(folder / plans[0].study_id)
    return {
        plan.study_id: written[plan.study_id] or simulate_study(folder / plan.study_id, plan)
        for plan in plans
    }


def _written_before(folder: Path, plan: SimulationPlan) -> Truth | None:
    """The truth of a study that an earlier call has written to `folder`; None if there is none.

    Raises
    ------
    InputError
        If the folder holds anything else.
    """
    meta = folder / "meta_study.txt"
    if not meta.is_file() or f"(seed {plan.seed})" not in meta.read_text(errors="replace"):
        require_free(folder)
        return None
    with TemporaryDirectory(prefix="sidestep-simulate-") as name:
        again = Path(name) / plan.study_id
        truth = simulate_study(again, plan)
        try:
            same = listed(again) == listed(folder)
        except OSError:
            same = False
    if not same:
        require_free(folder)
    return truth


def _draft(plan: SimulationPlan) -> tuple[StudyDraft, Truth]:
    """The study's contents and its truth."""
    kind, seed = plan.kind, plan.seed
    samples = draw_samples(kind, plan.lines, seed)
    entrez = gene_table(plan.genes)
    copy_number = measure_copy_number(samples, entrez.index, seed)
    shift = rna_shift(samples, copy_number, seed)
    expression = measure_expression(samples, shift, seed)
    panel = rppa_panel(kind, entrez.index, plan.antibodies)
    rppa = measure_rppa(samples, shift, panel, seed)
    coverage = draw_coverage(samples, plan.missing, seed)
    having = coverage.measured

    calls = measure_mutations(samples, entrez, seed)
    calls = calls[calls["Tumor_Sample_Barcode"].isin(having["mutations"])]
    measured = _feature_names(kind, panel, entrez.index, planted_genes(calls))
    potency, truth = _respond(samples, seed, measured)
    files = [
        clinical_file(samples, plan.missing, seed),
        expression_file(kind, expression.loc[having["expression"]], entrez),
        rppa_file(rppa.loc[having["rppa"]]),
        *mutation_files(calls, having["mutations"]),
        copy_number_file(copy_number.loc[having["copy_number"]], entrez),
    ]
    if kind == "pancan":
        fusions = measure_fusions(samples, entrez, seed)
        files.append(fusion_file(fusions[fusions["Sample_Id"].isin(having["mutations"])]))
    if kind != "cohort":
        screened = potency.loc[having["response"]]
        files.append(response_file(kind, screened, plan.noise, plan.missing, seed))
    draft = StudyDraft(
        study=_study_meta(plan),
        files=files,
        case_lists=case_lists(samples.names, coverage, fusions=kind == "pancan"),
        panels=[gene_panel(plan.genes)],
        notes=truth.tables(),
    )
    return draft, truth


def _study_meta(plan: SimulationPlan) -> dict[str, str]:
    """Lines of ``meta_study.txt``."""
    return {
        "type_of_cancer": "mixed" if plan.kind == "pancan" else "brca",
        "cancer_study_identifier": plan.study_id,
        "name": f"{_TITLES[plan.kind]}: RNA-seq, RPPA, mutations, copy number",
        "description": f"Simulated data with planted mechanisms (seed {plan.seed}); no sample is "
        "real. truth/ holds what was planted.",
        "groups": "PUBLIC",
        "reference_genome": "hg19",
        "add_global_case_list": "false",
        "simulated": "true",
    }


def _respond(
    samples: SimulatedSamples, seed: int, measured: frozenset[str]
) -> tuple[pd.DataFrame, Truth]:
    """Noise-free potencies (-log10 molar), and the truth in the study's metric."""
    kind = samples.kind
    groups = list(GROUP_SHARES[kind])
    rng = random_stream(seed, f"drug offsets of {GROUP_ATTRIBUTE[kind]}")
    offsets = group_offsets(groups, rng)
    potency = potencies(samples.latents, samples.groups, offsets)
    scale = SCALES[kind]
    truth = Truth(
        mechanisms=samples.truth(),
        drivers=driver_table(kind, samples.latents, offsets, measured),
        responses=scale.intercept + scale.slope * potency,
        metric=scale.metric,
        unit=scale.unit,
    )
    return potency, truth


def _feature_names(
    kind: str, panel: list[SimulatedAntibody], genes: pd.Index, mutated: frozenset[str]
) -> frozenset[str]:
    """Features that can carry a mechanism and that vary with it in the study."""
    rppa = {
        parse_antibody(f"{antibody.genes}|{antibody.names[STYLE[kind]]}").canonical
        for antibody in panel
    }
    named = {gene for gene in genes if gene in ENTREZ}
    clinical = {"LINEAGE"} if kind == "pancan" else {"SUBTYPE", "ERBB2_STATUS"}
    groups = {f"clinical:{GROUP_ATTRIBUTE[kind]}={group}" for group in GROUP_SHARES[kind]}

    def is_measured(feature: str) -> bool:
        modality, name = feature.split(":", 1)
        if modality == "rppa":
            return set(name.split("/")) <= rppa
        if modality == "clinical":
            return name.split("=")[0] in clinical
        return name.split(":")[0] in (mutated if modality == "mutation" else named)

    known = {feature for features in MECHANISM_FEATURES.values() for feature in features}
    return frozenset({feature for feature in known if is_measured(feature)} | groups)
