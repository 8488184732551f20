"""The smallest change of a single mechanism that would change the call.

It is a statement about the model, which would then predict something else, and none about cells
whose mechanism was pushed so far. Such a change is known as a counterfactual explanation (Wachter
et al., Harvard Journal of Law & Technology 2018, DOI:10.2139/ssrn.3063289).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sidestep.features.mechanisms.of_features import MECHANISMS, OTHER, mechanisms_of
from sidestep.models.estimators.patterns import pattern_columns
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.serving.explain.settings import is_level
from sidestep.serving.explain.what_if import ratio_slopes, shifted_samples
from sidestep.serving.scoring.outlook import Outlook, outlook_of
from sidestep.serving.scoring.reasons import REASONS, WORSE
from sidestep.serving.scoring.samples import Samples

#: Largest shift tried, in training standard deviations.
MOST_SD = 3.0
# Shifts are whole hundredths, so that a shift that is printed is the one that was tried. The
# larger half is tried where the smaller one did not reach the other side.
_COARSE = 5
_COARSE_STEPS = (range(5, 151, _COARSE), range(155, 301, _COARSE))
# Numbers in memory at once as features of variants: 200 MB.
_MOST_CELLS = 25_000_000
_SIDES = ("resistant", "sensitive")
_ABSTAINING = frozenset(reason.code for reason in REASONS if reason.abstains)


@dataclass(frozen=True)
class Flip:
    """The smallest shift of one mechanism at which the call becomes another one.

    Attributes
    ----------
    mechanism : str
    towards : str
        ``resistant`` or ``sensitive``: where the shift pushes the prediction.
    call : str
        What the call becomes.
    sd : float
        Of the shift, in training standard deviations of each feature.
    prediction : float
        There, in response units.
    raised, lowered : tuple of str
        Features that are shifted up and down.
    """

    mechanism: str
    towards: str
    call: str
    sd: float
    prediction: float
    raised: tuple[str, ...]
    lowered: tuple[str, ...]

    @property
    def n_features(self) -> int:
        """Features that are shifted."""
        return len(self.raised) + len(self.lowered)

    @property
    def settings(self) -> list[str]:
        """The same change as values of ``--set``."""
        return [
            f"{feature}={sign}{self.sd:g}sd"
            for sign, features in (("+", self.raised), ("-", self.lowered))
            for feature in features
        ]


@dataclass(frozen=True)
class FlipSearch:
    """Flips of one sample and drug, and the mechanisms that were tried.

    Attributes
    ----------
    call : str
        The call that was to be changed: the sample's; for a drug whose model is worse than its
        best baseline, the one that the probability of resistance alone would give.
    obstacles : tuple of str
        Codes of the reasons for which the sample's own call is ``abstain``. No flip is looked
        for then, unless the only one is that the drug's model is worse than its best baseline.
    flips : tuple of Flip
        Smallest first; for each mechanism and new call the smallest.
    tried : tuple of str
        Mechanisms of which the sample has levels that the model uses.
    """

    call: str
    obstacles: tuple[str, ...]
    flips: tuple[Flip, ...]
    tried: tuple[str, ...]


def find_flips(
    predictor: PanelPredictor,
    model: DrugModel,
    samples: Samples,
    outlook: Outlook,
    *,
    her2_context: bool,
) -> FlipSearch:
    """Find for each mechanism the smallest shift that changes the call.

    All RNA, protein and copy-number levels of the mechanism that the sample has and the ridge
    uses are shifted by the same number of training standard deviations, up to 3, each up or down
    as its ridge coefficient says: towards the other side of the threshold, and for an
    ``uncertain`` call towards either side. The call at each shift is that of the whole model.
    Shifts are tried in steps of 0.05 and then of 0.01. At a shift where the sample is out of the
    domain there is no call, and so no flip.

    Parameters
    ----------
    predictor : PanelPredictor
    model : DrugModel
    samples : Samples
        Of one sample.
    outlook : Outlook
        Of the same sample.
    her2_context : bool
        As in `outlook`.
    """
    obstacles = tuple(
        code for code in outlook.reasons[0].split(";") if code.partition(":")[0] in _ABSTAINING
    )
    if set(obstacles) - {WORSE.code}:
        return FlipSearch("abstain", obstacles, (), ())
    pushes = _pushes(predictor, model, samples)
    trusted = replace(model, gain=replace(model.gain, verdict="better"))
    search = _Search(
        predictor, trusted, samples, list(pushes), outlook.level, her2_context, outlook.call_at
    )
    call = str(search.outlook(samples).call[0])
    mechanism, sizes = mechanisms_of(pushes), np.array(list(pushes.values()))
    tried = [name for name in MECHANISMS if name in mechanism]
    directions = [
        _Direction(
            name, side, np.where(mechanism == name, sizes if side == "resistant" else -sizes, 0.0)
        )
        for name in tried
        for side in _SIDES
        if side != call
    ]
    smallest: dict[tuple[str, str], Flip] = {}
    for flip in sorted(search.flips(directions, call), key=lambda flip: flip.sd):
        smallest.setdefault((flip.mechanism, flip.call), flip)
    return FlipSearch(call, obstacles, tuple(smallest.values()), tuple(tried))


@dataclass(frozen=True)
class _Direction:
    """A mechanism and a side to push it to, with one SD of each level that it moves, signed."""

    mechanism: str
    side: str
    push: np.ndarray


@dataclass(frozen=True)
class _Search:
    """One sample and drug, of which variants in some levels are predicted."""

    predictor: PanelPredictor
    model: DrugModel
    samples: Samples
    levels: list[str]
    level: float
    her2_context: bool
    call_at: float

    def outlook(self, samples: Samples) -> Outlook:
        return outlook_of(
            self.predictor,
            self.model,
            samples,
            level=self.level,
            her2_context=self.her2_context,
            call_at=self.call_at,
        )

    def flips(self, directions: Sequence[_Direction], call: str) -> list[Flip]:
        """Of each direction, the smallest shift to each other call that is met on it."""
        first: dict[tuple[int, str], int] = {}
        for steps in _COARSE_STEPS:
            unmet = [
                at for at, direction in enumerate(directions) if (at, direction.side) not in first
            ]
            trials = [(at, step) for at in unmet for step in steps]
            for (at, step), (met, _) in zip(
                trials, self._outcomes(directions, trials), strict=True
            ):
                first.setdefault((at, met), step)
        finer = [
            (at, met, step)
            for (at, met), coarse in first.items()
            if met not in (call, "abstain")
            for step in range(coarse - _COARSE + 1, coarse + 1)
        ]
        trials = [(at, step) for at, _, step in finer]
        flips: dict[tuple[int, str], Flip] = {}
        for (at, wanted, step), (met, prediction) in zip(
            finer, self._outcomes(directions, trials), strict=True
        ):
            if met == wanted:
                flips.setdefault((at, met), self._flip(directions[at], met, step, prediction))
        return list(flips.values())

    def _flip(self, direction: _Direction, call: str, step: int, prediction: float) -> Flip:
        raised, lowered = (
            tuple(
                name
                for name, push in zip(self.levels, direction.push, strict=True)
                if sign * push > 0
            )
            for sign in (1, -1)
        )
        return Flip(
            direction.mechanism, direction.side, call, step / 100, prediction, raised, lowered
        )

    def _outcomes(
        self, directions: Sequence[_Direction], trials: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[str, float]]:
        """Call and prediction of each trial: a direction, and its shift in hundredths."""
        samples = self.samples
        cells = samples.features.shape[1] * (1 + len(samples.fold_features))
        rows = max(1, _MOST_CELLS // cells)
        for start in range(0, len(trials), rows):
            part = trials[start : start + rows]
            shifts = np.array([step / 100 * directions[at].push for at, step in part])
            variants = shifted_samples(self.predictor, samples, self.levels, shifts)
            outlook = self.outlook(variants)
            yield from zip(outlook.call.tolist(), outlook.prediction.tolist(), strict=True)


def _pushes(predictor: PanelPredictor, model: DrugModel, samples: Samples) -> dict[str, float]:
    """One SD of each level that is to be shifted, signed towards resistance.

    These are the levels of mechanisms that the sample has and the ridge uses. What the ridge
    makes of a level includes what it makes of the ratios that follow it.
    """
    names = samples.named.names.tolist()
    pattern = model.blend.chosen(samples.features)[0]
    if pattern is None:
        return {}
    columns = pattern_columns(names, pattern)
    slopes = np.zeros(len(names))
    row = samples.rows.part(pattern, np.arange(1))
    slopes[columns] = model.blend.blends_[pattern].ridge_.slopes(row)[0]
    column = dict(zip(names, range(len(names)), strict=True))
    total = slopes.copy()
    for level, ratio, slope in ratio_slopes(predictor.joiner):
        total[column[level]] += slope * slopes[column[ratio]]
    towards = np.sign(total) * (1.0 if predictor.scale.higher_is_resistant else -1.0)
    pushes = towards * predictor.nearest.sd_of(names)
    measured = np.isfinite(samples.features.to_numpy(float)[0])
    kept = np.flatnonzero(measured & (pushes != 0) & (samples.named.mechanisms != OTHER))
    return {names[at]: float(pushes[at]) for at in kept if is_level(names[at])}
