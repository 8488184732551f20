"""The rows of partner drugs that each sample has where a drug is predicted to fail, ranked.

Two sources name partners and stay apart: rules with a publication behind them, and the model's own
prediction of sensitivity. Neither shows that two drugs do more than each of them alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.serving.combinations.partners import (
    Partner,
    Witnesses,
    partners_by_model,
    partners_by_rule,
)
from sidestep.serving.combinations.rules import rule_matches
from sidestep.serving.evidence.facts import joined
from sidestep.serving.evidence.kinship import is_her2_drug

_TEXT, _NUMBER = pa.string(), pa.float64()
#: Columns of the partner table and their types.
COMBINATIONS = pa.schema(
    {
        "sample_id": _TEXT,
        "drug": _TEXT,
        "basis": _TEXT,
        "rank": pa.int64(),
        "partner": _TEXT,
        "matched_mechanism": _TEXT,
        "rule_evidence": _TEXT,
        "direction": _TEXT,
        "partner_in_panel": pa.bool_(),
        "partner_prediction": _NUMBER,
        "partner_percentile": _NUMBER,
        "partner_call": _TEXT,
        "partner_applicability": _NUMBER,
        "reason": _TEXT,
        "caveat": _TEXT,
        "source": _TEXT,
    }
)
_COLUMNS: list[str] = COMBINATIONS.names
_Cells = tuple[object, ...]


def combination_rows(
    witnesses: Witnesses,
    drugs: Sequence[str],
    model: str,
    *,
    simulated: bool,
    driven: np.ndarray | None = None,
) -> pd.DataFrame:
    """Partners of every sample and drug that is predicted to fail in it, ranked.

    First come the drugs that a rule names whose condition the sample meets: those that were tried
    with this very drug, then those that follow from another drug of the same target, then those
    found in cells that the sample is not known to be like. Within each, first those that the model
    gives a call for, the most sensitive first; then those it abstains on or does not have; last
    those that are predicted, or known, to fail in the sample too. Behind them come the drugs that
    the model alone names (`serving.combinations.partners.partners_by_model`). At the end, without a
    rank, stand mechanisms that have no partner, and those that were tried and do not make the drug
    fail. What ties stands in the order of the table of rules.

    Parameters
    ----------
    witnesses : Witnesses
        The model and the literature on the scored samples.
    drugs : sequence of str
        Those scored, in their order; the witnesses may know of others.
    model : str
        Name and version of the model: the source of what it alone names.
    simulated : bool
        Whether the study or what the model learned from is simulated.
    driven : ndarray of bool, shape (n_samples,), optional
        Whether HER2 drives each sample; HER2 drugs have partners in no other. All by default.

    Returns
    -------
    DataFrame
        With the columns of `COMBINATIONS`; samples and drugs in the order given.
    """
    entries: list[tuple[int, int, _Cells]] = []
    for place, drug in enumerate(drugs):
        matches = rule_matches(witnesses.states, drug)
        for row, sample in enumerate(witnesses.samples):
            basis = witnesses.basis(drug, row)
            lacks_target = driven is not None and is_her2_drug(drug) and not driven[row]
            if basis and not lacks_target:
                by_rule = partners_by_rule(witnesses, row, drug, matches.get(row, []))
                by_model = partners_by_model(witnesses, row, drug, drugs, by_rule, model)
                ranked = _ranked([*by_rule, *by_model], simulated=simulated)
                entries += [(row, place, (sample, drug, basis, *cells)) for cells in ranked]
    entries.sort(key=lambda entry: entry[:2])
    table = pd.DataFrame([cells for _, _, cells in entries], columns=_COLUMNS)
    return table.astype({"rank": "Int64"})


def _ranked(partners: Sequence[Partner], *, simulated: bool) -> Iterator[_Cells]:
    """Cells from `rank` on, in order."""
    for rank, partner in enumerate(sorted(partners, key=lambda partner: partner.order), start=1):
        view = partner.view
        yield (
            rank if partner.is_suggestion else None,
            partner.name or None,
            partner.mechanism or None,
            partner.evidence,
            partner.direction or None,
            view is not None,
            view.prediction if view else None,
            view.percentile if view else None,
            view.call if view else None,
            view.applicability if view else None,
            partner.reason,
            joined(["Simulated data" if simulated else "", partner.caveat], ". "),
            partner.source,
        )
