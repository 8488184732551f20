"""The verb `simulate`: write made-up studies with known mechanisms.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@click.option(
    "--lines", type=int, default=60, show_default=True, help="Cell lines of the breast study."
)
@click.option(
    "--pancan-lines",
    type=int,
    default=160,
    show_default=True,
    help="Cell lines of the pan-cancer study.",
)
@click.option(
    "--cohort-samples",
    type=int,
    default=24,
    show_default=True,
    help="Tumours of the cohort that has no responses.",
)
@click.option(
    "--trial-patients",
    type=int,
    default=0,
    show_default=True,
    help="Patients of a trial with arms and outcomes, trial_sim; none by default.",
)
@click.option("--genes", type=int, default=800, show_default=True, help="Genes of each study.")
@click.option(
    "--noise",
    type=float,
    default=0.75,
    show_default=True,
    help="Spread of a response's noise over that of its signal.",
)
@click.option(
    "--missing",
    type=float,
    default=0.25,
    show_default=True,
    help="Part of the lines that is not sequenced; other gaps follow.",
)
@lines_at_the_end("simulating")
def simulate(
    out: Path,
    seed: int,
    lines: int,
    pancan_lines: int,
    cohort_samples: int,
    trial_patients: int,
    genes: int,
    noise: float,
    missing: float,
) -> Iterator[str]:
    """Write three simulated studies with known mechanisms into the folder OUT.

    breast_sim and pancan_sim are to train on, cohort_sim is to score. Each has a folder truth/
    that says what was planted. --trial-patients adds trial_sim, a trial whose arms have drugs that
    work where their target is active. No sample of them is real.
    """
    from sidestep.features.simulation.simulate import simulate as write_studies
    from sidestep.features.simulation.trial import STUDY_ID, simulate_trial

    written = write_studies(
        out,
        seed,
        lines,
        genes,
        pancan_lines=pancan_lines,
        cohort_samples=cohort_samples,
        noise=noise,
        missing=missing,
    )
    yield f"Simulated (no sample is real), seed {seed}:"
    for name, truth in written.items():
        samples, drugs = truth.responses.shape
        yield f"  {out / name}: {samples} samples, {drugs} drugs, {truth.metric}"
    if trial_patients:
        simulate_trial(out / STUDY_ID, trial_patients, seed)
        yield f"  {out / STUDY_ID}: {trial_patients} patients, PCR"
    yield f"Next: sidestep train {out / next(iter(written))} --drugs Lapatinib"
