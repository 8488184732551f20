"""The demo: simulate studies, train, register, score, all in one folder."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import click

_MARK, _KIND = ".sidestep-demo", "sidestep demo"
_MODEL, _PATIENT_MODEL = "demo", "demo_patients"
_PATIENTS = 180


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default="demo-out", show_default=True)
@click.option("--trials", type=click.IntRange(min=0), default=5, show_default=True)
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_context
def demo(ctx: click.Context, out: Path, trials: int, quiet: bool) -> None:
    """Simulate studies, train on one, register the model and score new samples.

    Everything lands in OUT: the simulated studies with the truth beside them, the MLflow store,
    and the scores. A folder of an earlier demo is replaced as long as nothing in it was changed.
    """
    from sidestep.features.simulation.trial import STUDY_ID, simulate_trial
    from sidestep.serving.cli.score import score
    from sidestep.training.cli.simulate import simulate
    from sidestep.training.cli.train import train

    started = time.monotonic()
    _make_room(out)
    studies = out / "studies"
    store = f"sqlite:///{out / 'mlflow.db'}"
    _say("1. Simulate a breast, a pan-cancer and a patient-like study")
    ctx.invoke(simulate, out=studies, lines=100, trial_patients=_PATIENTS)
    _say("2. Train on the simulated breast lines and register the model")
    ctx.invoke(
        train,
        study=studies / "breast_sim",
        response="gi50",
        panel="kinase",
        trials=trials,
        register=_MODEL,
        tracking_uri=store,
        quiet=quiet,
    )
    _say("3. Score the simulated patients")
    ctx.invoke(
        score,
        study=studies / "cohort_sim",
        model=f"models:/{_MODEL}@champion",
        out=out / "scores",
        tracking_uri=store,
        quiet=quiet,
    )
    _say("4. Learn the response of simulated patients by arm, and score other patients")
    simulate_trial(studies / "new_patients", 60, seed=1, labels="none")
    ctx.invoke(
        train,
        study=studies / STUDY_ID,
        response="PCR",
        responders=("pCR",),
        regimen="ARM_CODE",
        trials=0,
        register=_PATIENT_MODEL,
        tracking_uri=store,
        quiet=quiet,
    )
    ctx.invoke(
        score,
        study=studies / "new_patients",
        model=f"models:/{_PATIENT_MODEL}/1",
        out=out / "patient_scores",
        tracking_uri=store,
        quiet=quiet,
    )
    _mark(out)
    _say(
        f"Done in {time.monotonic() - started:.0f} s. All of this is simulated data.\n"
        f"  report:  {out / 'scores' / 'report.html'}\n"
        f"  scores:  {out / 'scores' / 'scores.csv'}\n"
        f"  patients: {out / 'patient_scores' / 'report.html'}\n"
        f"  truth:   {studies / 'cohort_sim' / 'truth'}\n"
        f"  runs:    sidestep ui --tracking-uri {store}"
    )


def _make_room(out: Path) -> None:
    """Empty OUT if an earlier demo made all of it; refuse another folder that holds something."""
    from sidestep.features.files.owned import described, require_own

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        earlier = described(out / _MARK, _KIND) if out.is_dir() else None
        if earlier is None:
            raise click.UsageError(f"{out} holds something else; give an empty folder with --out.")
        advice = "give a new folder with --out, or remove this one"
        require_own(out, earlier.get("files"), _MARK, writer="sidestep demo", advice=advice)
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)


def _mark(out: Path) -> None:
    """List in OUT what the demo wrote, which the next one may replace."""
    from sidestep.features.files.owned import listed
    from sidestep.features.files.whole import write_whole

    write_whole(out / _MARK, json.dumps({"kind": _KIND, "files": listed(out)}).encode())


def _say(text: str) -> None:
    click.echo(f"\n{text}")
