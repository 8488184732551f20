"""The gate: whether a retrained panel is good enough to be registered as champion.

Every claim is held against its best baseline by a paired bootstrap over donors: the same lines,
held out by the same folds, are drawn for the blend and for the baseline
(`training.validation.evaluation.Evaluation.r`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidestep.models.predictor.drug_model import Gain
from sidestep.training.validation.evaluation import Evaluation

BETTER, AS_GOOD, WORSE = "better", "as good", "worse"
#: Beyond this a difference counts as shown.
SURE = 0.95


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on a panel.

    Attributes
    ----------
    passes : bool
        Whether the panel is not shown to be worse than the best baseline, and errs less than the
        training mean does.
    reason : str
        One sentence with the numbers.
    gains : mapping of str to Gain
        Drug -> what its blend gains over its best baseline.
    """

    passes: bool
    reason: str
    gains: Mapping[str, Gain]

    def drugs(self, verdict: str) -> list[str]:
        """Drugs of which the gate says ``better``, ``as good`` or ``worse``."""
        return [drug for drug, gain in self.gains.items() if gain.verdict == verdict]


def judge(evaluation: Evaluation) -> Verdict:
    """Judge a panel's blends by the lines that were held out.

    A drug's model is ``better`` if its r within folds (of a binary response its AUC) is above the
    best baseline's in 95 % of the draws, ``worse`` if it is below in 95 %, or errs no less than the
    training mean (relative RMSE, or Brier score, of 1 or more), else ``as good``. The panel is
    judged alike by the mean over its drugs.

    Parameters
    ----------
    evaluation : Evaluation
        As `training.validation.evaluation.evaluate` returns, of all lines that were held out.
    """
    yardstick = evaluation.yardstick
    found = evaluation.metrics["method"].unique().tolist()
    baselines = yardstick.rivals(found)
    methods = ("blend", *baselines)
    draws = {
        drug: {name: np.nan_to_num(r[name]) for name in methods} for drug, r in evaluation.r.items()
    }
    metrics = evaluation.metrics
    everywhere = metrics[(metrics["subset"] == "all") & (metrics["method"] == "blend")]
    relative = everywhere[everywhere["metric"] == yardstick.relative].set_index("drug")["value"]
    gains = {}
    for drug, r in draws.items():
        baseline = max(baselines, key=lambda name: r[name][0])
        gains[drug] = _gain(r["blend"] - r[baseline], baseline, float(relative[drug]))
    mean = {name: np.mean([r[name] for r in draws.values()], axis=0) for name in methods}
    rival = max(baselines, key=lambda name: mean[name][0])
    panel = _gain(mean["blend"] - mean[rival], rival, float(relative.mean()))
    counts = ", ".join(
        f"{sum(gain.verdict == verdict for gain in gains.values())} {verdict}"
        for verdict in (BETTER, AS_GOOD, WORSE)
    )
    than = "as good as" if panel.verdict == AS_GOOD else f"{panel.verdict} than"
    return Verdict(
        panel.verdict != WORSE,
        f"mean out-of-fold {yardstick.symbol} {mean['blend'][0]:.3f} is {than} the best baseline, "
        f"{rival.replace('_', ' ')}, at {mean[rival][0]:.3f} (probability of better "
        f"{panel.probability:.2f}; {yardstick.error_words} {relative.mean():.2f} of the mean's; "
        f"drugs: {counts})",
        gains,
    )


def verdict_on(probability: float, relative_error: float) -> str:
    """``better``, ``as good`` or ``worse``: by the probability of better, and by the error."""
    if probability <= 1 - SURE or not relative_error < 1:
        return WORSE
    return BETTER if probability >= SURE else AS_GOOD


def _gain(difference: np.ndarray, baseline: str, relative_error: float) -> Gain:
    """Verdict on a difference in the headline: of all lines first, then of each draw."""
    drawn = difference[1:]
    probability = float(np.mean((drawn > 0) + 0.5 * (drawn == 0)))
    verdict = verdict_on(probability, relative_error)
    return Gain(verdict, probability, baseline, float(difference[0]))
