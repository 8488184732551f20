"""A survival screen on disk: tables, pictures and a summary, whole or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sidestep.features.errors import InputError
from sidestep.features.files.owned import described, listed, require_own
from sidestep.features.files.spreadsheets import for_spreadsheets
from sidestep.features.files.whole import folder_beside, put_in_place, reason_of
from sidestep.models.versions import software_versions
from sidestep.training.survival.figures import draw_screen
from sidestep.training.survival.screen import DIRECTIONS, Screen

SUMMARY = "screen.json"
#: What a summary says it is; a folder without it is never replaced.
KIND = "sidestep screen"
CAVEAT = (
    "Prognosis in this study's patients, each gene alone; treatment, stage and age are not taken "
    "into account, so it says nothing on the benefit from a drug."
)
# What makes the numbers and the pictures.
_PACKAGES = ("sidestep", "matplotlib", "numpy", "pandas", "scikit-survival", "scipy")


def require_replaceable(out: str | Path) -> Path:
    """Give back `out`, links followed, as a path where a screen may be put.

    Raises
    ------
    InputError
        If `out` is a file, or a folder that holds anything but an earlier screen as it was
        written.
    """
    path = Path(out).resolve()
    if not path.exists():
        return path
    if not path.is_dir():
        raise InputError(f"{out} is not a folder; give --out a new folder")
    if not any(path.iterdir()):
        return path
    earlier = described(path / SUMMARY, KIND)
    if earlier is None:
        raise InputError(
            f"{out} already holds files that sidestep screen did not write; "
            "give --out a new folder, or empty this one"
        )
    advice = "move it elsewhere, or give --out a new folder"
    require_own(path, earlier.get("files"), SUMMARY, writer="sidestep screen", advice=advice)
    return path


def write_screen(screen: Screen, out: str | Path, genes: str) -> Path:
    """Write ``screen.parquet``, ``screen.csv``, the pictures and ``screen.json``.

    They are written beside `out` under another name and renamed at the end. An earlier screen
    there is replaced. The same screen gives the same bytes.

    Parameters
    ----------
    screen : Screen
    out : path
    genes : str
        What was asked for, for the summary.

    Raises
    ------
    InputError
        If `out` may not be replaced, or cannot be written.
    """
    path = require_replaceable(out)
    try:
        with folder_beside(path, parents=True) as new:
            screen.table.to_parquet(new / "screen.parquet", index=False)
            for_spreadsheets(screen.table).to_csv(
                new / "screen.csv", index=False, encoding="utf-8", lineterminator="\n"
            )
            draw_screen(screen, new)
            facts = summary(screen, genes) | {"files": listed(new)}
            text = json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False)
            (new / SUMMARY).write_text(text + "\n", encoding="utf-8", newline="\n")
            earlier = new.with_name(f"{new.name}-replaced")
            put_in_place(new, require_replaceable(out), earlier)
            shutil.rmtree(earlier, ignore_errors=True)
    except OSError as failure:
        raise InputError(
            f"{out} cannot be written ({reason_of(failure)}); make room there, or give --out "
            "another folder"
        ) from failure
    return path


def summary(screen: Screen, genes: str) -> dict[str, Any]:
    """Counts, settings, and where the numbers come from, as plain values."""
    cohort, table = screen.cohort, screen.table
    tested = table["c_index"].notna()
    return {
        "kind": KIND,
        "simulated": cohort.study.simulated,
        "study": {
            "id": cohort.study.study_id,
            "name": cohort.study.name,
            "digests": dict(cohort.study.digests),
            "expression": cohort.study.expression_kind,
        },
        "group": {"name": cohort.group.name, "rule": cohort.group.rule},
        "endpoint": {"code": cohort.survival.endpoint, "name": cohort.survival.name},
        "counts": {
            **cohort.counts,
            "genes_asked_for": len(table),
            "genes_tested": int(tested.sum()),
            "genes_significant": int(table["significant"].sum()),
        },
        "genes": {
            "asked_for": genes,
            "not_in_the_study": screen.absent,
            "not_tested": {
                str(row["gene"]): str(row["note"])
                for _, row in table[~tested].iterrows()
                if row["gene"] not in screen.absent
            },
        },
        "settings": {
            "fdr": screen.settings.fdr,
            "bootstrap": screen.settings.bootstrap,
            "confidence": screen.settings.confidence,
            "seed": screen.settings.seed,
        },
        "directions": DIRECTIONS,
        "notes": [*cohort.notes, CAVEAT],
        "software": software_versions(*_PACKAGES),
    }
