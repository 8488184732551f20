"""The screen: each gene's expression against survival, alone, corrected for the number of genes.

The kind of analysis of Alexander et al., J. Biol. Chem. 292:748 (2017), PMID:27903634,
doi:10.1074/jbc.M116.754960: a concordance index a gene, and the log-rank test between patients
above and below the gene's median. False discoveries are controlled after Benjamini and Hochberg,
J. R. Stat. Soc. B 57:289 (1995), doi:10.1111/j.2517-6161.1995.tb02031.x.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from sidestep.features.errors import InputError, some
from sidestep.features.knowledge.receptors import RTK_SURVIVAL_TABLE, RTK_TABLE
from sidestep.training.survival.cohort import Cohort
from sidestep.training.survival.statistics import concordance, cox, log_rank

WORSE, BETTER, UNCLEAR = "worse", "better", "unclear"
#: What a direction means, in words.
DIRECTIONS = {
    WORSE: "high expression goes with worse outcome",
    BETTER: "high expression goes with better outcome",
    UNCLEAR: "no clear direction",
}
ABSENT = "not in the study's expression"
_FEW_EVENTS = 10
_LEAST_SHARE = 0.25
# Rounding leaves a spread of this size, over the level, to a gene that is the same everywhere.
_NO_SPREAD = 1e-12
COLUMNS = (
    *("gene", "n", "events", "c_index", "c_index_lower", "c_index_upper"),
    *("hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper", "cox_p"),
    *("n_low", "n_high", "logrank_p", "q", "significant", "direction"),
    *("paper_outcome", "paper_agreement", "paper_source", "rtk_role", "note"),
)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Settings:
    """How a screen is made.

    Attributes
    ----------
    fdr : float
        False discovery rate up to which a gene counts as significant.
    bootstrap : int
        Samples drawn for the interval of a concordance index.
    confidence : float
        Of all intervals.
    seed : int
        Of the bootstrap; a gene's interval does not depend on which others are screened.
    """

    fdr: float = 0.05
    bootstrap: int = 1000
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Screen:
    """Result of a screen.

    Attributes
    ----------
    cohort : Cohort
    table : pandas.DataFrame
        `COLUMNS`, a row a gene asked for: tested ones by log-rank p, then those without one in
        the order asked for. See `screen_genes`.
    settings : Settings
    """

    cohort: Cohort
    table: pd.DataFrame
    settings: Settings

    @property
    def absent(self) -> list[str]:
        """Genes asked for that the study does not have."""
        return [str(gene) for gene in self.table.loc[self.table["note"] == ABSENT, "gene"]]


def screen_genes(
    cohort: Cohort,
    genes: Sequence[str],
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Screen:
    """Screen genes one by one.

    A gene's patients are those whose expression of it is known. Columns of the table:

    ==================== ====================================================================
    column               meaning
    ==================== ====================================================================
    gene                 Hugo symbol, as in the study
    n, events            patients, and how many of them had the event
    c_index              concordance of expression with an earlier event, above 0.5: high
                         expression goes with worse outcome; with bootstrap interval
    hazard_ratio         a standard deviation more (Cox model of this gene alone), with interval
    cox_p                Wald test of it
    n_low, n_high        patients up to the median, and above it
    logrank_p            log-rank test between them
    q                    the same, adjusted for the number of genes
    significant          whether q is at most the false discovery rate
    direction            ``worse``, ``better`` (with high expression) or ``unclear``: the interval
                         of c_index lies above, below or around 0.5; blank: not tested
    paper_outcome        ``worse`` or ``better``, as published in `paper_source`; blank: the gene
                         was not singled out there
    paper_agreement      ``agrees``, ``differs``, ``undecided`` (no clear direction here), ``not
                         tested`` (here) or ``no finding`` (nothing published to compare with)
    rtk_role             role in resistance (`features.knowledge.receptors`), blank for other genes
    note                 why numbers are missing or weak
    ==================== ====================================================================

    Parameters
    ----------
    cohort : Cohort
    genes : sequence of str
        Regardless of case. Those that the study lacks get a row that says so.
    settings : Settings, optional
    progress : callable, optional
        Called with the stage, the genes done, and all of them.

    Raises
    ------
    InputError
        If the study has none of the genes, or none that it has can be tested.
    """
    settings = settings or Settings()
    columns = _columns_of(cohort.expression, genes)
    if not any(columns.values()):
        raise InputError(
            f"study {cohort.study.study_id} has expression of {cohort.expression.shape[1]} genes, "
            f"and none of the {len(columns)} asked for ({some(list(columns))})"
        )
    rows: list[_GeneResult] = []
    for done, (gene, column) in enumerate(columns.items(), start=1):
        absent = _GeneResult(gene, note=ABSENT)
        rows.append(absent if column is None else _screen_gene(cohort, column, settings))
        if progress is not None:
            progress("screening genes", done, len(columns))
    if all(np.isnan(row.c_index) for row in rows):
        why = some([f"{row.gene}: {row.note}" for row in rows if row.note != ABSENT])
        raise InputError(f"none of the {len(rows)} genes can be tested ({why})")
    return Screen(cohort, _finish(rows, settings), settings)


def _columns_of(expression: pd.DataFrame, genes: Sequence[str]) -> dict[str, str | None]:
    """Gene as asked for -> column of the expression, None where it has none; each column once."""
    by_case = {str(column).casefold(): str(column) for column in reversed(expression.columns)}
    columns: dict[str, str | None] = {}
    for gene in genes:
        column = gene if gene in expression else by_case.get(gene.casefold())
        if column is None or column not in columns.values():
            columns[gene] = column
    return columns


@dataclass(frozen=True)
class _GeneResult:
    """Result of one gene alone; the names are those of the table."""

    gene: str
    n: int = 0
    events: int = 0
    n_low: int = 0
    n_high: int = 0
    c_index: float = np.nan
    c_index_lower: float = np.nan
    c_index_upper: float = np.nan
    hazard_ratio: float = np.nan
    hazard_ratio_lower: float = np.nan
    hazard_ratio_upper: float = np.nan
    cox_p: float = np.nan
    logrank_p: float = np.nan
    note: str = ""


def _screen_gene(cohort: Cohort, gene: str, settings: Settings) -> _GeneResult:
    measured = cohort.expression[gene].notna().to_numpy()
    level = cohort.expression[gene].to_numpy(float)[measured]
    event = cohort.survival.event.to_numpy(bool)[measured]
    months = cohort.survival.months.to_numpy(float)[measured]
    high = level > np.median(level) if len(level) else np.zeros(0, bool)
    patients = _GeneResult(gene, len(level), int(event.sum()), int((~high).sum()), int(high.sum()))
    obstacle = _obstacle(level, event)
    if obstacle:
        return replace(patients, note=obstacle)
    standard = (level - level.mean()) / level.std(ddof=1)
    index = concordance(
        event,
        months,
        standard,
        draws=settings.bootstrap,
        confidence=settings.confidence,
        seed=settings.seed,
    )
    hazard = cox(event, months, standard, confidence=settings.confidence)
    tested = replace(
        patients,
        c_index=index.value,
        c_index_lower=index.lower,
        c_index_upper=index.upper,
        hazard_ratio=hazard.ratio.value,
        hazard_ratio_lower=hazard.ratio.lower,
        hazard_ratio_upper=hazard.ratio.upper,
        cox_p=hazard.p,
        logrank_p=log_rank(event, months, high),
    )
    return replace(tested, note="; ".join(_weak_points(tested)))


def _obstacle(level: np.ndarray, event: np.ndarray) -> str:
    """Why a gene cannot be tested at all; blank where it can."""
    if len(level) < 2:
        return f"expression of {len(level)} patient(s) only"
    if level.std(ddof=1) <= _NO_SPREAD * np.abs(level).max():
        return "the same expression in every patient"
    if not event.any():
        return "no event among the patients with this gene"
    return ""


def _weak_points(tested: _GeneResult) -> list[str]:
    """What to keep in mind with a tested gene."""
    smaller = min(tested.n_low, tested.n_high)
    notes = []
    if tested.events < _FEW_EVENTS:
        notes.append(f"{tested.events} event(s) only")
    if not smaller:
        notes.append("nobody is above the median, so no log-rank test")
    elif smaller < _LEAST_SHARE * tested.n:
        notes.append("many ties at the median make the parts unequal")
    if np.isnan(tested.c_index):
        notes.append("no two patients can be compared")
    if np.isnan(tested.hazard_ratio):
        notes.append("the Cox model has no finite estimate")
    return notes


def _finish(rows: Sequence[_GeneResult], settings: Settings) -> pd.DataFrame:
    """Add what needs all genes, and what is published, and sort."""
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["q"] = np.nan
    tested = table["logrank_p"].notna()
    if tested.any():
        table.loc[tested, "q"] = false_discovery_control(table.loc[tested, "logrank_p"])
    table["significant"] = table["q"] <= settings.fdr
    table["direction"] = np.select(
        [table["c_index"].isna(), table["c_index_lower"] > 0.5, table["c_index_upper"] < 0.5],
        ["", WORSE, BETTER],
        UNCLEAR,
    )
    findings, rtks = RTK_SURVIVAL_TABLE.load(), RTK_TABLE.load()
    published = [findings.get(gene) for gene in table["gene"]]
    table["paper_outcome"] = ["" if finding is None else finding.outcome for finding in published]
    table["paper_source"] = ["" if finding is None else finding.source for finding in published]
    table["rtk_role"] = [rtks[g].role if g in rtks else "" for g in table["gene"]]
    table["paper_agreement"] = [
        _agreement(direction, published_outcome)
        for direction, published_outcome in zip(
            table["direction"], table["paper_outcome"], strict=True
        )
    ]
    text = ("gene", "direction", "paper_outcome", "paper_agreement", "paper_source", "rtk_role")
    table = table.astype(dict.fromkeys((*text, "note"), "str"))
    return table.sort_values("logrank_p", kind="stable", ignore_index=True)


def _agreement(direction: str, published: str) -> str:
    if not published:
        return "no finding"
    if not direction:
        return "not tested"
    if direction == UNCLEAR:
        return "undecided"
    return "agrees" if direction == published else "differs"
