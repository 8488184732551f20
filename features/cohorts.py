"""Cohorts of a study, and the groups that results are told by.

Both go by clinical attributes, and by two that Sidestep derives of a whole study: `HER2` (whether
a sample is HER2-high) and `LINEAGE` (its lineage, or subtype where there is one lineage).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.groups import Her2Cutoffs, her2_calls, lineage_column
from sidestep.features.study.filters import Attributes, Filter, choose, parse_filters
from sidestep.features.study.on_disk import SampleSource, StoredStudy
from sidestep.features.study.study import Study

#: Names of the derived attributes, for filters and groups.
HER2, LINEAGE = "her2", "lineage"
#: Values of `HER2`; missing where nothing decides.
HIGH, NOT_HIGH = "high", "not high"
#: What samples without a value are called in a group of their own.
NOT_KNOWN = "not known"
#: More groups than this are no longer told apart at a glance.
MOST_GROUPS = 12
#: Calls HER2 of some samples: a frame with `high` and `assay`.
Her2Caller = Callable[[Study], pd.DataFrame]
# Samples of a study that are looked at at once.
_CHUNK = 256


@dataclass(frozen=True)
class Known:
    """What is known of the samples of a whole study: clinical attributes, HER2, lineage.

    Attributes
    ----------
    clinical : pandas.DataFrame
        Samples x attributes as text, NaN where missing.
    her2 : pandas.DataFrame
        Samples x `high` (bool) and `assay` (what decided; empty where nothing did), as
        `features.groups.her2_calls` has them.
    lineage : str or None
        The attribute that tells lineages apart (`features.groups.lineage_column`).
    owner : str
        Whose samples they are, for errors: ``"study tcga"``.
    """

    clinical: pd.DataFrame
    her2: pd.DataFrame
    lineage: str | None
    owner: str

    @property
    def samples(self) -> pd.Index:
        """In the order of the study."""
        return self.clinical.index

    def select(self, samples: Iterable[str]) -> Known:
        """The same of some samples."""
        names = list(samples)
        return replace(self, clinical=self.clinical.loc[names], her2=self.her2.loc[names])

    @cached_property
    def attributes(self) -> Attributes:
        """Clinical attributes, and the derived ones unless a clinical one is spelled the same."""
        derived = {HER2: self.her2_status, LINEAGE: self.lineages}
        taken = set(map(str, self.clinical.columns))
        added = {name: values for name, values in derived.items() if name not in taken}
        return Attributes(self.clinical.assign(**added), self.owner)

    @property
    def her2_status(self) -> pd.Series:
        """`HIGH` or `NOT_HIGH` of each sample; NaN where nothing was there to decide."""
        status = np.where(self.her2["high"], HIGH, NOT_HIGH)
        decided = (self.her2["assay"] != "").to_numpy()
        return pd.Series(status, self.samples, dtype="str").where(decided)

    @property
    def lineages(self) -> pd.Series:
        """Lineage or subtype of each sample; NaN where not recorded."""
        if self.lineage is None:
            return pd.Series(np.nan, self.samples, dtype="str")
        return self.clinical[self.lineage]


@dataclass(frozen=True)
class Cohort:
    """Samples of a study that were asked for.

    Attributes
    ----------
    samples : pandas.Index
        In the order of the study; never empty.
    filters : tuple of Filter
        As attributes and values are spelled in the study; none where all samples are meant.
    total : int
        Samples of the whole study.
    notes : tuple of str
        What was left out because nothing is known of it.
    """

    samples: pd.Index
    filters: tuple[Filter, ...]
    total: int
    notes: tuple[str, ...] = ()

    @property
    def written(self) -> list[str]:
        """The filters as they are written on the command line."""
        return [str(one) for one in self.filters]

    def record(self) -> dict[str, object]:
        """The cohort as plain values, for a manifest."""
        return {"where": self.written, "of_samples": self.total, "notes": list(self.notes)}


def known_of(study: SampleSource, her2: Her2Caller | None = None) -> Known:
    """What is known of every sample of a study.

    Parameters
    ----------
    study : Study or StoredStudy
    her2 : callable, optional
        How a model calls HER2: takes some samples, each of which it looks at by itself, and gives
        `high` and `assay`. By default `features.groups.her2_calls` of the whole study; of one on
        disk without the levels that lie far above the study's others, since a look at all of them
        would read it once more.

    Raises
    ------
    OSError
        If a file of a study on disk cannot be read any more.
    """
    if her2 is not None:
        calls = pd.concat([her2(part) for part in _parts(study)])
    elif isinstance(study, StoredStudy):
        calls = pd.concat([her2_calls(part, Her2Cutoffs()) for part in _parts(study)])
    else:
        calls = her2_calls(study)
    return _known(study, calls)


def written_of(study: SampleSource) -> Known:
    """As `known_of`, without a look at HER2."""
    samples = _small(study).samples
    return _known(study, pd.DataFrame({"high": False, "assay": ""}, index=samples))


def choose_cohort(known: Known, where: str | Iterable[str] = ()) -> Cohort:
    """The samples that meet all filters; all samples without one.

    Parameters
    ----------
    known : Known
        Of the whole study, so that no filter changes what another one finds.
    where : str or iterable of str
        Such as ``"HER2_STATUS=Positive"``, ``"her2=high"`` or ``"AGE<50"``, as
        `features.study.filters.choose` reads them.

    Raises
    ------
    InputError
        If a filter cannot be read, the study has no such attribute or value, or no sample is left.
    """
    filters = parse_filters(where)
    if not filters:
        return Cohort(known.samples, (), len(known.samples))
    chosen = choose(known.attributes, filters)
    return Cohort(chosen.samples, chosen.filters, len(known.samples), chosen.notes)


def cohort_of(
    study: SampleSource, where: str | Iterable[str] = (), her2: Her2Caller | None = None
) -> Cohort:
    """As `choose_cohort`, of a study; HER2 is looked at only if a filter asks for it.

    Parameters
    ----------
    study, her2
        As for `known_of`.
    where
        As for `choose_cohort`.
    """
    filters = parse_filters(where)
    asked = any(one.attribute.casefold() == HER2 for one in filters)
    known = known_of(study, her2) if asked else written_of(study)
    return choose_cohort(known, map(str, filters))


def restrict(study: SampleSource, cohort: Cohort) -> SampleSource:
    """The study with the samples of a cohort alone; nothing that is known of them changes."""
    if not cohort.filters:
        return study
    if isinstance(study, StoredStudy):
        return replace(study, small=study.small.select(list(cohort.samples)))
    return study.select(list(cohort.samples))


def group_labels(known: Known, name: str) -> pd.Series:
    """The group of every sample, as an ordered category: the largest first, `NOT_KNOWN` last.

    Parameters
    ----------
    known : Known
    name : str
        ``"her2"``, ``"lineage"`` or a clinical attribute.

    Raises
    ------
    InputError
        If there is no such attribute, it is empty, or has more than `MOST_GROUPS` values.
    """
    column = known.attributes.column(name)
    values = known.attributes.values(column)
    counts = values.value_counts()
    derived = column == HER2 and HER2 not in known.clinical.columns
    if not len(counts) and not derived:
        raise InputError(
            f"{column} is not known of any sample of {known.owner}, so there are no groups of it; "
            "choose another attribute for --group"
        )
    if len(counts) > MOST_GROUPS:
        raise InputError(
            f"{column} of {known.owner} has {len(counts):,} values, more groups than "
            f"{MOST_GROUPS}; choose another attribute for --group, or narrow the samples down with "
            "--where"
        )
    order = sorted(map(str, counts.index), key=lambda value: (-int(counts[value]), value))
    if derived:
        order = [one for one in (HIGH, NOT_HIGH) if one in counts]
    if values.isna().any() and NOT_KNOWN not in order:
        order.append(NOT_KNOWN)
    filled = values.fillna(NOT_KNOWN)
    return pd.Series(pd.Categorical(filled, order, ordered=True), known.samples, name=column)


def by_group(labels: pd.Series) -> Mapping[str, list[str]]:
    """Group -> its samples, in the order of the groups; empty groups are left out."""
    return {
        str(group): [str(sample) for sample in labels.index[(labels == group).to_numpy()]]
        for group in labels.cat.categories
        if (labels == group).any()
    }


def _known(study: SampleSource, her2: pd.DataFrame) -> Known:
    small = _small(study)
    return Known(small.clinical, her2, lineage_column(small), f"study {study.study_id}")


def _small(study: SampleSource) -> Study:
    """All of a study that is in memory, its clinical attributes among it."""
    return study.small if isinstance(study, StoredStudy) else study


def _parts(study: SampleSource) -> Iterator[Study]:
    samples = list(study.samples)
    for at in range(0, len(samples), _CHUNK):
        yield study.select(samples[at : at + _CHUNK])
