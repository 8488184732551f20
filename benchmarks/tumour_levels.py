"""Levels of genes and published signatures among tumours: ``tumour_levels.tsv`` of the knowledge.

    python -m benchmarks.tumour_levels --study ../shared/studies/scanb_breast \
        --source DOI:10.1200/PO.17.00135

STUDY has expression of unselected tumours by RNA-seq. The table is printed: anchors, the genes of
every signature that is defined by genes, and the signatures, each with mean and standard deviation.
With `--against` a study that gives scores of these signatures, what is printed instead is how well
the correlations between computed scores in STUDY agree with those between given ones, and the
difference of each score between HER2-positive and -negative tumours in both.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.builders.base import mean_and_sd
from sidestep.features.builders.published_scores import PublishedScores
from sidestep.features.study.study import Study, read_study

#: Genes that all tissues express alike (DOI 10.1016/j.tig.2013.05.010, table 2).
ANCHORS: Final = (
    *("C1orf43", "CHMP2A", "EMC7", "GPI", "PSMB2", "PSMB4", "RAB7A", "REEP5", "SNRPD3", "VCP"),
    "VPS29",
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, required=True, help="of tumours, with expression")
    parser.add_argument("--source", required=True, help="publication of the study")
    parser.add_argument("--against", type=Path, help="study that gives scores")
    options = parser.parse_args()
    study = read_study(options.study)
    levels = study.expression
    if levels is None:
        parser.error(f"{options.study} has no expression")
    anchors = [gene for gene in ANCHORS if gene in levels]
    found = PublishedScores.of_tumours(levels, anchors)
    centred = levels[anchors].sub(levels[anchors].mean(axis=1), axis=0)
    if options.against is not None:
        _compare(study, found.scores(levels), read_study(options.against))
        return
    print("role\tname\tmean\tsd\tsource")
    rows = [("anchor", *row) for row in zip(anchors, *mean_and_sd(centred.to_numpy()), strict=True)]
    rows += [("gene", *row) for row in zip(found.genes, found.mean, found.sd, strict=True)]
    rows += [
        ("signature", name, 0.0, spread)
        for name, spread in zip(found.members, found.spread, strict=True)
    ]
    for role, name, mean, sd in rows:
        print(f"{role}\t{name}\t{mean:.4g}\t{sd:.4g}\t{options.source}")


def _compare(study: Study, computed: pd.DataFrame, other: Study) -> None:
    """Print how computed scores of one study go with given scores of another."""
    if other.signatures is None:
        raise SystemExit(f"{other.study_id} gives no signatures")
    names = [name for name in computed if name in other.signatures]
    one, two = (
        table[names].corr().to_numpy()[np.triu_indices(len(names), 1)]
        for table in (computed, other.signatures)
    )
    r, n = np.corrcoef(one, two)[0, 1], len(one)
    low, high = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / np.sqrt(n - 3))
    print(
        f"{n} correlations between {len(names)} signatures: r = {r:.2f} ({low:.2f} to {high:.2f})"
    )
    print("HER2-positive less negative, in standard deviations")
    for name in names:
        steps = []
        for made, table in ((study, computed), (other, other.signatures)):
            her2 = made.clinical["HER2_STATUS"].reindex(table.index)
            middle = table[name].groupby(her2).mean()
            steps.append((middle["Positive"] - middle["Negative"]) / table[name].std())
        print(f"  {name:<26}{steps[0]:>6.2f}{steps[1]:>7.2f}")


if __name__ == "__main__":
    main()
