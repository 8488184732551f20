"""What a drug does to pathways: log2 ratios to the matched control, percent inhibition, rescue.

A pathway's change is the signed mean of its members' log2 ratios, members and signs as of Akbani et
al., Nat Commun 2014 (DOI 10.1038/ncomms4887); percent inhibition is 100 (1 - 2^change). Tests are
two-sided, as those of Zervantonakis et al., PNAS 2020 (DOI 10.1073/pnas.2000648117). The unit that
tells the error is, in this order:

==========  ========================================================================
method      when
==========  ========================================================================
pairs       three or more replicates that treated and control share by name: one difference each
stimuli     three or more stimuli, each with a control of its own: one difference each, the mean
            over its times
replicates  repeats of treated and control under the same stimulus and time: their pooled scatter
times       three or more times: one difference each, which follow each other and so tell less
==========  ========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.significance import false_discovery_rates
from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.drugs import standard_name
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, each
from sidestep.features.knowledge.signatures import PATHWAY_TABLE
from sidestep.features.perturbation.treated_arrays import TreatedArrays
from sidestep.features.study.antibodies import match_antibodies


@dataclass(frozen=True)
class ParadoxicalSite:
    """A site that a drug raises while the kinase is blocked: no sign of activity."""

    drug: str
    antibody: str
    reason: str
    source: str


def _site(row: KnowledgeRow) -> ParadoxicalSite:
    return ParadoxicalSite(row["drug"], row["antibody"], row["reason"], row["source"])


PARADOXICAL_TABLE = KnowledgeTable(
    "paradoxical_sites.tsv", ("drug", "antibody", "reason", "source"), each(_site)
)
INHIBITED, ACTIVATED, UNCHANGED, UNTOLD = "inhibited", "activated", "no change", "not told"
PARADOXICAL = "raised though blocked"
#: Verdict -> what it means.
VERDICTS: Final = {
    INHIBITED: "lower than in the matched control (q at most the limit)",
    ACTIVATED: "higher than in the matched control (q at most the limit)",
    PARADOXICAL: "higher than in the matched control, as the drug does while it blocks the kinase: "
    "no activation",
    UNCHANGED: "no difference beyond what noise may do",
    UNTOLD: "no matched control, or too few arrays to tell an error",
}
RESCUED, DEEPENED = "rescued", "deepened"
#: What a treatment is, beside the times and stimuli that it is averaged over.
GROUP: Final = ("sample", "drug", "dose", "condition")
#: Conditions that stand for the untouched line where the user names none.
_PLAIN: Final = frozenset(
    match_key(word)
    for word in ("alone", "mono", "monoculture", "control", "none", "parental", "wild type", "WT")
)
_PARTS = re.compile(r"[_+/,;&]|\band\b")
_SHARE_OF_MEMBERS = 0.5
_FEWEST_UNITS = 3


@dataclass(frozen=True)
class Perturbation:
    """What drugs do to pathways and antibodies.

    Attributes
    ----------
    pathways, antibodies : pandas.DataFrame
        A row a treatment and pathway (antibody); the columns are described in docs/assays.md.
    rescue : pandas.DataFrame
        A row a treatment, pathway and condition, held against another condition; may be empty.
    against : str
        Condition that the others are held against; empty where there is one only.
    fdr, level : float
    """

    pathways: pd.DataFrame
    antibodies: pd.DataFrame
    rescue: pd.DataFrame
    against: str
    fdr: float
    level: float


@dataclass(frozen=True)
class _Change:
    """Change of every column: estimate, standard error, degrees of freedom."""

    value: np.ndarray
    error: np.ndarray
    freedom: float
    units: int
    method: str


def find_perturbations(
    arrays: TreatedArrays, against: str = "", fdr: float = 0.05, level: float = 0.95
) -> Perturbation:
    """Hold every treatment against its control, pathway by pathway and antibody by antibody.

    Parameters
    ----------
    arrays : TreatedArrays
    against : str
        Condition that others are held against for rescue; by default that of the most arrays.
    fdr : float
        Up to which q (Benjamini-Hochberg over a table) a change counts.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        If no treatment has a control of its line and condition, or there is no such condition.
    """
    treatment = arrays.treatment
    side = _side(treatment, against)
    pathways: list[pd.DataFrame] = []
    antibodies: list[pd.DataFrame] = []
    drugs = treatment[treatment["drug"] != ""]
    for names, group in drugs.groupby(list(GROUP), sort=False):
        told = dict(zip(GROUP, names, strict=True))
        controls = treatment[
            (treatment["drug"] == "")
            & (treatment["sample"] == told["sample"])
            & (treatment["condition"] == told["condition"])
        ]
        odd = paradoxical(str(told["drug"]))
        levels, members = _with_pathways(
            arrays.levels.loc[[*group.index, *controls.index]], set(odd)
        )
        change = _change(levels, group, controls)
        count = len(members)
        columns = np.arange(levels.shape[1])
        shared = {**told, "arrays": len(group), "controls": len(controls)}
        first = _rows(change, columns < count, levels, shared, level).rename(
            columns={"name": "pathway"}
        )
        first["members"] = [len(members[name]) for name in first["pathway"]]
        first["left_out"] = [_passed_over(name, odd, levels.columns) for name in first["pathway"]]
        pathways.append(first)
        rest = _rows(change, columns >= count, levels, shared, level).rename(
            columns={"name": "antibody"}
        )
        rest["reading"] = [odd.get(a, "") for a in rest["antibody"]]
        antibodies.append(rest)
    tables = [_judged(pd.concat(parts, ignore_index=True), fdr) for parts in (pathways, antibodies)]
    if (tables[1]["method"] == "").all() and tables[1]["log2_change"].isna().all():
        first_row = tables[1].iloc[0]
        raise InputError(
            f"no treatment has an untreated control of its line and condition, such as "
            f"{first_row['drug']} in {first_row['sample']}; add one, or name conditions alike"
        )
    rescue = _rescue(tables[0], side, fdr, level) if side else pd.DataFrame()
    return Perturbation(tables[0], tables[1], rescue, side, fdr, level)


def _passed_over(pathway: str, odd: Mapping[str, str], measured: pd.Index) -> str:
    """Members of a pathway that do not count under this drug."""
    members = {name for member in PATHWAY_TABLE.load()[pathway] for name in member.antibodies}
    return ";".join(name for name in odd if name in members and name in measured)


def drugs_in(mixture: str) -> list[str]:
    """Drugs of a mixture, each once; a single drug is itself.

    Examples
    --------
    >>> drugs_in("GSK690693_GSK1120212"), drugs_in("Lapatinib")
    (['GSK690693', 'GSK1120212'], ['Lapatinib'])
    """
    return list(dict.fromkeys(part.strip() for part in _PARTS.split(mixture) if part.strip()))


def paradoxical(drug: str) -> dict[str, str]:
    """Antibody -> why a rise of it under this drug, or this mixture, is no activation."""
    parts = {match_key(standard_name(part)) for part in [drug, *drugs_in(drug)]}
    return {
        site.antibody: f"{site.reason}; not to be read as activation ({site.source})"
        for site in PARADOXICAL_TABLE.load()
        if match_key(site.drug) in parts
    }


def _side(treatment: pd.DataFrame, against: str) -> str:
    """Condition that the others are held against; empty where there is one only."""
    counts = treatment["condition"].value_counts(sort=True)
    if against:
        found = [name for name in counts.index if match_key(name) == match_key(against)]
        if not found:
            raise InputError(
                f"no condition is named {against!r}; there are {', '.join(map(repr, counts.index))}"
            )
        return str(found[0])
    named = [name for name in counts.index if match_key(name) in _PLAIN]
    if len(counts) < 2:
        return ""
    return str(named[0]) if len(named) == 1 else str(counts.index[0])


def _with_pathways(
    levels: pd.DataFrame, without: set[str]
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Pathway scores in front of the antibodies' levels, and the members of each."""
    measured = [str(column) for column in levels.columns[levels.notna().all()]]
    scores, members = {}, {}
    for pathway, wanted in PATHWAY_TABLE.load().items():
        names = {spelling: m.sign for m in wanted for spelling in m.antibodies}
        signs = {
            antibody: names[spelling]
            for spelling, antibody in match_antibodies(names, measured).items()
            if antibody not in without
        }
        needed = len(wanted) - sum(bool(set(m.antibodies) & without) for m in wanted)
        if len(signs) < _SHARE_OF_MEMBERS * needed or not signs:
            continue
        sign = np.array(list(signs.values()), float)
        scores[pathway] = levels[list(signs)].to_numpy(float) @ sign / len(signs)
        members[pathway] = list(signs)
    return pd.concat([pd.DataFrame(scores, index=levels.index), levels], axis=1), members


def _change(levels: pd.DataFrame, treated: pd.DataFrame, controls: pd.DataFrame) -> _Change:
    """Mean difference to the matched controls with its error."""
    nothing = np.full(levels.shape[1], np.nan)
    strata = _strata(treated, controls)
    if not strata:
        return _Change(nothing, nothing, np.nan, 0, "")
    names = pd.concat([treated["replicate"], controls["replicate"]])
    paired = _paired(levels, names, strata)
    if paired is not None:
        return paired
    values = levels.to_numpy(float)
    row = {index: at for at, index in enumerate(levels.index)}
    sides = [
        (values[[row[i] for i in ours]], values[[row[i] for i in theirs]])
        for _, ours, theirs in strata
    ]
    differences = np.array([_mean(one) - _mean(two) for one, two in sides])
    stimuli = treated["stimulus"].loc[[ours[0] for _, ours, _ in strata]].to_numpy()
    if len(set(stimuli)) >= _FEWEST_UNITS:
        by_stimulus = np.array([_mean(differences[stimuli == s]) for s in dict.fromkeys(stimuli)])
        return _one_sample(by_stimulus, "stimuli")
    pooled = _pooled(sides, _mean(differences))
    if pooled is not None:
        return pooled
    if len(strata) >= _FEWEST_UNITS:
        return _one_sample(differences, "times")
    return _Change(_mean(differences), nothing, np.nan, len(differences), "")


_Stratum = tuple[tuple[str, float], list[Any], list[Any]]


def _strata(treated: pd.DataFrame, controls: pd.DataFrame) -> list[_Stratum]:
    """Treated and control arrays of the same stimulus and time; without any, of the same time."""
    found: list[_Stratum] = []
    timed = controls["time"].fillna(-1.0)
    for names, part in treated.assign(time=treated["time"].fillna(-1.0)).groupby(
        ["stimulus", "time"], sort=False
    ):
        stimulus, time = str(names[0]), float(str(names[1]))
        same_time = controls[timed == time]
        same = same_time[same_time["stimulus"] == stimulus]
        theirs = same if len(same) else same_time[same_time["stimulus"] == ""]
        if len(theirs):
            found.append(((stimulus, time), list(part.index), list(theirs.index)))
    return found


def _paired(levels: pd.DataFrame, names: pd.Series, strata: Sequence[_Stratum]) -> _Change | None:
    """A difference a replicate that both sides name, over all strata; None of fewer than three."""
    if (names == "").any():
        return None
    by_name: dict[str, list[np.ndarray]] = {}
    for _, ours, theirs in strata:
        for name in {names[i] for i in ours}:
            other = [i for i in theirs if names[i] == name]
            if not other:
                return None
            mine = [i for i in ours if names[i] == name]
            difference = _mean(levels.loc[mine].to_numpy(float)) - _mean(
                levels.loc[other].to_numpy(float)
            )
            by_name.setdefault(name, []).append(difference)
    if len(by_name) < _FEWEST_UNITS:
        return None
    return _one_sample(np.array([_mean(np.array(part)) for part in by_name.values()]), "pairs")


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of the known values of each column; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _one_sample(units: np.ndarray, method: str) -> _Change:
    count = len(units)
    error = units.std(axis=0, ddof=1) / np.sqrt(count)
    return _Change(units.mean(axis=0), error, count - 1.0, count, method)


def _pooled(sides: Sequence[tuple[np.ndarray, np.ndarray]], value: np.ndarray) -> _Change | None:
    """Error by the scatter of repeats within strata; None where there are none."""
    freedom = float(sum(len(side) - 1 for pair in sides for side in pair))
    if freedom < 2:
        return None
    squares = sum(((side - side.mean(axis=0)) ** 2).sum(axis=0) for pair in sides for side in pair)
    weights = sum(1 / len(one) + 1 / len(two) for one, two in sides) / len(sides) ** 2
    error = np.sqrt(squares / freedom * weights)
    return _Change(value, error, freedom, sum(len(one) for one, _ in sides), "replicates")


def _rows(
    change: _Change, chosen: np.ndarray, levels: pd.DataFrame, shared: Mapping[str, Any],
    level: float,
) -> pd.DataFrame:  # fmt: skip
    """A row a chosen column."""
    value, error = change.value[chosen], change.error[chosen]
    half = stats.t.ppf((1 + level) / 2, change.freedom) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(value / error), change.freedom)
    # As one frame: a column put in at a time takes most of the work of many small ones.
    return pd.DataFrame(
        {
            "name": levels.columns[chosen], **shared, "method": change.method,
            "units": change.units, "log2_change": value, "log2_lower": value - half,
            "log2_upper": value + half, "percent_inhibition": inhibition(value),
            "inhibition_lower": inhibition(value + half),
            "inhibition_upper": inhibition(value - half), "error": error,
            "freedom": change.freedom, "p": p,
        },
        index=range(int(chosen.sum())),
    )  # fmt: skip


def inhibition(log2_change: np.ndarray) -> np.ndarray:
    """Percent inhibition of a log2 change: 50 where half is left, negative where there is more."""
    return np.asarray(100 * (1 - 2.0**log2_change))


def _judged(table: pd.DataFrame, fdr: float) -> pd.DataFrame:
    table["q"] = false_discovery_rates(table["p"].to_numpy(float))
    told = table["q"].notna()
    changed = told & (table["q"] <= fdr)
    table["verdict"] = np.select(
        [changed & (table["log2_change"] < 0), changed & (table["log2_change"] > 0), told],
        [INHIBITED, ACTIVATED, UNCHANGED], UNTOLD,
    )  # fmt: skip
    if "reading" in table:
        raised = (table["reading"] != "") & (table["verdict"] == ACTIVATED)
        table.loc[raised, "verdict"] = PARADOXICAL
    lead = [*GROUP, "pathway" if "pathway" in table else "antibody"]
    return table[[*lead, *(column for column in table if column not in lead)]]


def response_attributes(pathways: pd.DataFrame) -> pd.DataFrame:
    """What stays on under a drug as attributes of the lines, to learn from.

    Parameters
    ----------
    pathways : pandas.DataFrame
        As of `Perturbation`.

    Returns
    -------
    pandas.DataFrame
        ``SAMPLE_ID`` and a column a pathway and treatment, such as ``TSC_MTOR_UNDER_LAPATINIB``:
        ``inhibited``, ``on`` where it is not, empty where it cannot be told.
    """
    words = {INHIBITED: "inhibited", UNCHANGED: "on", ACTIVATED: "on"}
    named = pd.DataFrame(
        {
            "SAMPLE_ID": pathways["sample"],
            "name": [
                _slug(" ".join([row["pathway"], "under", *(row[key] for key in GROUP[1:])]))
                for row in pathways.to_dict("records")
            ],
            "state": pathways["verdict"].map(words).fillna(""),
        }
    )
    wide = named.pivot_table(index="SAMPLE_ID", columns="name", values="state", aggfunc="first")
    return wide.fillna("").rename_axis(columns=None).reset_index()


def _slug(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def _rescue(pathways: pd.DataFrame, against: str, fdr: float, level: float) -> pd.DataFrame:
    """How much less a pathway is inhibited under each other condition."""
    keys = ["sample", "drug", "dose", "pathway"]
    plain = pathways[pathways["condition"] == against]
    others = pathways[pathways["condition"] != against]
    both = others.merge(plain, on=keys, suffixes=("", "_against"))
    if both.empty:
        return pd.DataFrame()
    value = both["log2_change"] - both["log2_change_against"]
    variances = [both[name] ** 2 for name in ("error", "error_against")]
    total = variances[0] + variances[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (
            variances[0] ** 2 / both["freedom"] + variances[1] ** 2 / both["freedom_against"]
        )
        error = np.sqrt(total)
        p = 2 * stats.t.sf(np.abs(value / error), freedom)
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    table = both[[*keys, "condition"]].assign(
        against=against, inhibition=both["percent_inhibition"],
        inhibition_against=both["percent_inhibition_against"], log2_difference=value,
        log2_lower=value - half, log2_upper=value + half, p=p, q=false_discovery_rates(p),
    )  # fmt: skip
    told, changed = table["q"].notna(), table["q"] <= fdr
    held = both["verdict_against"] == INHIBITED
    table["verdict"] = np.select(
        [~told, changed & (value > 0) & held, changed & (value < 0)],
        [UNTOLD, RESCUED, DEEPENED], UNCHANGED,
    )  # fmt: skip
    table["stays_on"] = held & (both["verdict"] != INHIBITED) & (table["verdict"] == RESCUED)
    return table.reset_index(drop=True)
