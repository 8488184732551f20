"""A reference cohort is made of a study of tumours, chunk after chunk, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from threadpoolctl import threadpool_limits

from sidestep.features.errors import InputError
from sidestep.features.study.on_disk import SampleSource
from sidestep.features.study.study import Study
from sidestep.models.predictor.cohort import TumourCohort
from sidestep.models.predictor.cohort_learning import tumour_cohort
from sidestep.models.registry.load import LoadedModel

#: Tumours in memory at once.
CHUNK = 256
Progress = Callable[[int], None]


def make_cohort(
    model: LoadedModel,
    study: SampleSource,
    name: str,
    *,
    where: str = "",
    progress: Progress | None = None,
) -> TumourCohort:
    """Predict the tumours of a study by all drugs of a model, and keep where they lie.

    Parameters
    ----------
    model : LoadedModel
    study : Study or StoredStudy
        Those of its samples that are to be the cohort.
    name : str
        Of the cohort.
    where : str
        By which filters the samples were chosen, for the record.
    progress : callable, optional
        Called with the number of samples done; each is gone through twice.

    Raises
    ------
    InputError
        If there are fewer than 20 tumours that the model can predict, or if it learned from
        patients, among whom it answers tumours anyway.
    """
    if model.predictor.scale.event:
        raise InputError(
            f"model {model.name} learned from patients, among whom it answers every tumour; it "
            "needs no reference, so score without one"
        )
    samples = list(study.samples)
    done = 0

    def parts() -> Iterator[Study]:
        nonlocal done
        for at in range(0, len(samples), CHUNK):
            yield study.select(samples[at : at + CHUNK])
            done += len(samples[at : at + CHUNK])
            if progress is not None:
                progress(done // 2)

    with threadpool_limits(1):  # no sum is to depend on the machine's cores
        return tumour_cohort(
            model.predictor,
            parts,
            name=name,
            model=model.digest,
            study=(study.study_id, dict(study.digests), study.simulated),
            where=where,
        )
