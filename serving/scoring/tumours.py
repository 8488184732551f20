"""Which samples are answered among the tumours of a reference cohort, and which among the lines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from sidestep.features.builders.names import MODALITIES
from sidestep.features.errors import InputError, some
from sidestep.features.study.study import Study
from sidestep.models.estimators.patterns import row_patterns
from sidestep.models.predictor.cohort import FEWEST_TUMOURS, LINES, TumourCohort
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.scoring.options import ScoreOptions
from sidestep.serving.scoring.samples import Samples, among, modality_names

_MOLECULAR = tuple(name for name in MODALITIES if name != "clinical")


@dataclass(frozen=True)
class References:
    """Cohorts that samples may be answered among.

    Attributes
    ----------
    cohorts : tuple of TumourCohort
        None where all samples are answered among the lines.
    named : bool
        Whether a person named the one that there is.
    """

    cohorts: tuple[TumourCohort, ...] = ()
    named: bool = False

    @classmethod
    def of(cls, model: LoadedModel, options: ScoreOptions) -> Self:
        """Those of a model that the options leave.

        Raises
        ------
        InputError
            If the model has no cohort of the name asked for, or the options contradict each other.
        """
        wanted = options.reference
        if wanted == LINES or (options.her2_context and not wanted):
            return cls()
        if not wanted:
            return cls(tuple(model.references.values()))
        if options.her2_context:
            raise InputError(
                f"the HER2-high training lines and the tumours of {wanted} cannot both be what "
                "samples are compared with; leave out --her2-context or --reference"
            )
        if wanted not in model.references:
            known = some(list(model.references)) if model.references else "none"
            raise InputError(
                f"model {model.name} has no reference {wanted!r} (it has {known}); make it with "
                f"sidestep reference, or give --reference {LINES}"
            )
        return cls((model.references[wanted],), named=True)

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest of each."""
        return {cohort.name: cohort.digest for cohort in self.cohorts}

    def require_fit(self, study_id: str, modalities: Collection[str]) -> None:
        """Refuse a study that no cohort can answer, or of which nobody could say which one does.

        Parameters
        ----------
        study_id : str
        modalities : collection of str
            That the study has.

        Raises
        ------
        InputError
        """
        if self.named and not any(self._has(self.cohorts[0], name) for name in modalities):
            (cohort,) = self.cohorts
            has = ", ".join(name for name in _MOLECULAR if self._has(cohort, name))
            raise InputError(
                f"the tumours of reference {cohort.name} have {has}, of which study {study_id} has "
                f"nothing; choose another with --reference, or --reference {LINES}"
            )
        for modality in modalities:
            fitting = [one.name for one in self.cohorts if self._has(one, modality)]
            if len(fitting) > 1:
                raise InputError(
                    f"{len(fitting)} references of the model have {modality} ({some(fitting)}), "
                    f"and so has study {study_id}; choose one with --reference"
                )

    def split(
        self, predictor: PanelPredictor, study: Study, samples: Samples
    ) -> list[tuple[np.ndarray, Samples]]:
        """Samples by what they are answered among: their rows, and what the model is to see.

        Where several cohorts would take a sample, none does. What becomes of a sample depends on
        itself alone.
        """
        taken = np.zeros(len(samples.features), dtype=int)
        fits = {}
        for cohort in self.cohorts:
            fits[cohort.name] = cohort.fits(
                predictor.nearest, study, samples.features, named=self.named
            )
            taken += fits[cohort.name]
        rest = np.ones(len(taken), dtype=bool)
        parts = []
        for cohort in self.cohorts:
            rows = np.flatnonzero(fits[cohort.name] & (taken == 1))
            aligned = _aligned(cohort, among(samples, rows)) if len(rows) else None
            if aligned is None:
                continue
            usable = np.flatnonzero([bool(pattern) for pattern in aligned.patterns])
            if len(usable):
                rest[rows[usable]] = False
                parts.append((rows[usable], among(aligned, usable)))
        left = np.flatnonzero(rest)
        lines = [(left, samples if len(left) == len(rest) else among(samples, left))]
        return [*(lines if len(left) else []), *parts]

    @staticmethod
    def _has(cohort: TumourCohort, modality: str) -> bool:
        return cohort.having((modality,)) >= FEWEST_TUMOURS


def _aligned(cohort: TumourCohort, samples: Samples) -> Samples:
    """The samples as the model is to see them among the tumours of a cohort."""
    features = cohort.aligned(samples.features)
    patterns = row_patterns(features)
    return replace(
        samples,
        features=features,
        fold_features=samples.changed_folds(lambda fold, part: cohort.aligned(part, fold)),
        patterns=patterns,
        modalities=modality_names(features, patterns),
        cohort=cohort,
    )
