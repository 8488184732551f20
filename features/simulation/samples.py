"""Simulated samples: their donors, lineages or subtypes, and latent mechanisms."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from sidestep.features.simulation.biology import (
    ACTIVITY_SPREAD,
    ALK_F1174L_SHARE,
    GROUP_ATTRIBUTE,
    GROUP_SHARES,
    PREVALENCE,
    PTEN_DELETED_SHARE,
    STATES,
)

#: Hidden programmes that shape RNA and protein and touch no drug.
PROGRAMMES: Final = 6
#: One donor in this many gives a second line.
DONORS_A_PAIR: Final = 18
#: Part of an activity's spread by which two lines of one donor differ.
_LINE_DRIFT: Final = 0.25

_PREFIX: Final[Mapping[str, str]] = {"breast": "SIMB", "pancan": "SIMP"}


@dataclass(frozen=True)
class SimulatedSamples:
    """Simulated samples and what is true of them.

    Attributes
    ----------
    kind : str
        ``breast``, ``pancan`` or ``cohort``.
    donors : pandas.Series
        Sample -> ``PATIENT_ID``.
    groups : pandas.Series
        Sample -> lineage or subtype.
    latents : pandas.DataFrame
        Samples x mechanisms: activities (continuous) and states (0 or 1).
    programmes : pandas.DataFrame
        Samples x hidden programmes, unrelated to any response.
    """

    kind: str
    donors: pd.Series
    groups: pd.Series
    latents: pd.DataFrame
    programmes: pd.DataFrame

    @property
    def names(self) -> pd.Index:
        """The sample identifiers."""
        return self.latents.index

    def truth(self) -> pd.DataFrame:
        """Latents, and one 0/1 column for each lineage or subtype (``SUBTYPE=Basal``)."""
        groups = pd.get_dummies(self.groups, dtype=float)
        ordered = groups.reindex(columns=list(GROUP_SHARES[self.kind]), fill_value=0.0)
        return self.latents.join(ordered.add_prefix(f"{GROUP_ATTRIBUTE[self.kind]}="))


def random_stream(seed: int, name: str) -> np.random.Generator:
    """An independent generator for one part of a simulation.

    With a stream for each part, a larger gene count changes no donor and no response.
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode("utf-8"))])


def draw_samples(kind: str, count: int, seed: int) -> SimulatedSamples:
    """Draw donors and the samples they gave.

    Shares are kept as counts (30 % of 20 is 6), so that a small study has every mechanism.

    Parameters
    ----------
    kind : str
        ``breast``, ``pancan`` or ``cohort``; donors of a cohort give one sample each.
    count : int
        Samples.
    seed : int
        Same kind, count and seed: same samples.
    """
    rng = random_stream(seed, f"samples of {kind}")
    pairs = 0 if kind == "cohort" else max(2, count // DONORS_A_PAIR)
    donors = count - pairs
    groups = _apportion(GROUP_SHARES[kind], donors, rng)
    latents = _draw_latents(kind, groups, rng)
    programmes = rng.standard_normal((donors, PROGRAMMES))

    paired = rng.choice(donors, size=pairs, replace=False)
    donor_of = np.sort(np.concatenate([np.arange(donors), paired]))
    names = _sample_names(kind, count)
    lines = latents.iloc[donor_of].set_axis(names, axis="index")
    for activity, spread in ACTIVITY_SPREAD.items():
        lines[activity] += _LINE_DRIFT * spread * rng.standard_normal(count)
    observed = programmes[donor_of] + _LINE_DRIFT * rng.standard_normal((count, PROGRAMMES))
    return SimulatedSamples(
        kind=kind,
        donors=_donor_names(kind, names, donor_of),
        groups=pd.Series(groups[donor_of], index=names, dtype=object),
        latents=lines,
        programmes=pd.DataFrame(
            observed, index=names, columns=[f"programme_{i + 1}" for i in range(PROGRAMMES)]
        ),
    )


def _apportion(
    shares: Mapping[str, float], count: int, rng: np.random.Generator
) -> npt.NDArray[np.object_]:
    """Groups in their shares, in random order."""
    edges = np.round(np.cumsum(list(shares.values())) * count).astype(int)
    sizes = np.diff(edges, prepend=0)
    groups = np.repeat(np.array(list(shares), dtype=object), sizes)
    return groups[rng.permutation(count)]


def _carriers(
    prevalence: Mapping[str, float], groups: npt.NDArray[np.object_], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Who carries a state: each group's share of it, rounded so that the total holds."""
    carries = np.zeros(len(groups), dtype=bool)
    expected = 0.0
    for group in pd.unique(groups):
        members = np.flatnonzero(groups == group)
        before = round(expected)
        expected += prevalence.get(group, prevalence.get("", 0.0)) * len(members)
        chosen = min(round(expected) - before, len(members))
        carries[rng.permutation(members)[:chosen]] = True
    return carries


def _draw_latents(
    kind: str, groups: npt.NDArray[np.object_], rng: np.random.Generator
) -> pd.DataFrame:
    """Donors x mechanisms: first the activities, then the states that feed them."""
    count = len(groups)
    prevalence = PREVALENCE[kind]
    states = {
        state: _carriers(prevalence.get(state, {}), groups, rng)
        for state in (*STATES, "alk_fusion")
    }
    # PTEN is lost by deletion in most, by a truncating mutation in the others.
    states["pten_deleted"] = _some_of(states["pten_loss"], PTEN_DELETED_SHARE, rng)
    states["alk_f1174l"] = _some_of(states["alk_fusion"], ALK_F1174L_SHARE, rng)
    activities: dict[str, npt.NDArray[np.float64]] = {}
    for activity, spread in ACTIVITY_SPREAD.items():
        fed = np.zeros(count)
        for state, (target, size) in STATES.items():
            if target == activity:
                fed = np.maximum(fed, size * states[state])
        activities[activity] = fed + spread * rng.standard_normal(count)
    return pd.DataFrame({**activities, **{k: v.astype(float) for k, v in states.items()}})


def _some_of(
    carries: npt.NDArray[np.bool_], share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """A share of the carriers, at least one where there are any."""
    members = rng.permutation(np.flatnonzero(carries))
    chosen = np.zeros(len(carries), dtype=bool)
    if len(members):
        chosen[members[: max(1, round(share * len(members)))]] = True
    return chosen


def _sample_names(kind: str, count: int) -> pd.Index:
    """Identifiers in the manner of each source: cell lines, or the barcodes of a cohort."""
    if kind == "cohort":
        return pd.Index([f"SIM-{i + 1:04d}-01" for i in range(count)], dtype=object)
    return pd.Index([f"{_PREFIX[kind]}{i + 1:03d}" for i in range(count)], dtype=object)


def _donor_names(kind: str, names: pd.Index, donor_of: npt.NDArray[np.int64]) -> pd.Series:
    """Sample -> donor: a line that is its donor's only one stands for the donor."""
    if kind == "cohort":
        return pd.Series([name[:-3] for name in names], index=names, dtype=object)
    counts = np.bincount(donor_of)
    first: dict[int, str] = {}
    donors = []
    for name, donor in zip(names, donor_of, strict=True):
        lead = first.setdefault(int(donor), str(name))
        donors.append(f"{lead}_DONOR" if counts[donor] > 1 else lead)
    return pd.Series(donors, index=names, dtype=object)
