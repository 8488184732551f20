"""A score folder as it is read: its tables, checked, sample by sample, and all scores in short.

Of the larger tables only a part is in memory at once, however many samples there are.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidestep.features.builders.names import MODALITIES
from sidestep.features.cohorts import Known, choose_cohort
from sidestep.features.errors import InputError
from sidestep.features.identifiers import match_key
from sidestep.features.study.filters import parse_filters
from sidestep.serving.disk.coded import coded, plain
from sidestep.serving.disk.columns import Columns, by_sample, columns_of, rows_of
from sidestep.serving.disk.output import ADDED_KEY, FILES_KEY, MANIFEST, ROWS_A_GROUP, read_manifest
from sidestep.serving.disk.regimens import UNDER, described, labelled, spread
from sidestep.serving.disk.sample_scores import SampleScores, assemble
from sidestep.serving.disk.samples import CALLS, SAMPLES, count_calls, read_known
from sidestep.serving.disk.sound import require_plain_table, require_sound_facts

#: Parts of the resistance percentile, from 0 to 100, in which samples are counted.
BINS = 10
#: Columns that all scores in short are made of.
COLUMNS = ["sample_id", "drug", "call", "resistance_percentile"]
_SCORES, _EXPLANATIONS, _MECHANISMS, _REFERENCE, _EVIDENCE = (
    f"{name}.parquet" for name in ("scores", "explanations", "mechanisms", "reference", "evidence")
)
#: The table that `sidestep combine` adds.
PARTNERS = "combinations.parquet"
#: What a report needs of each table.
_COLUMNS = {
    _SCORES: """sample_id drug response unit prediction lower upper level resistance_percentile
        p_resistant threshold reference call reasons modalities applicability unmeasured
        unmeasured_share observed base_value explanation_agreement her2 her2_assay""".split(),
    _EXPLANATIONS: """sample_id drug rank feature modality mechanism value contribution
        top_k_share stable""".split(),
    _MECHANISMS: "sample_id drug mechanism contribution".split(),
    _REFERENCE: "drug modalities quantile predicted observed".split(),
    PARTNERS: """sample_id drug basis rank partner matched_mechanism rule_evidence partner_in_panel
        partner_percentile partner_call reason caveat source""".split(),
    _EVIDENCE: (
        "sample_id drug fact kind direction strength statement alternatives source agreement"
    ).split(),
}
#: How columns begin that differ from folder to folder.
_OPEN = ("contribution_", "marker")
_FACTS = ("model", "study", "counts", "coverage", "quarantined", "options", "drugs")
_AGAIN = "score the study again with sidestep score"


@dataclass(frozen=True)
class ScoreSummary:
    """All scores in short: a few numbers a sample and drug.

    Attributes
    ----------
    samples : sequence of str
        Scored samples, in study order.
    resistance : numpy.ndarray
        Each sample's mean resistance percentile over the drugs that it has a call for; NaN where
        it has none.
    bins : dict of str to ndarray of shape (`BINS` + 1,)
        Drug -> samples in each tenth of the percentile, and those without a call.
    """

    samples: Sequence[str]
    resistance: np.ndarray
    bins: dict[str, np.ndarray]

    def most_resistant(self, count: int) -> list[str]:
        """Samples with the highest resistance, in study order; those without a call come last."""
        order = np.argsort(-np.nan_to_num(self.resistance, nan=-1.0), kind="stable")
        return [self.samples[at] for at in np.sort(order[:count]).tolist()]


def summary_of(pieces: Iterable[pa.Table]) -> ScoreSummary:
    """Sum up rows with `COLUMNS`, a sample's together, piece by piece; text plain or as codes."""
    sums: list[pd.DataFrame] = []
    bins: dict[str, np.ndarray] = {}
    for piece in pieces:
        rows = coded(piece).to_pandas()
        percentile = rows["resistance_percentile"].where(rows["call"] != "abstain")
        of_sample = percentile.groupby(rows["sample_id"], sort=False, observed=True)
        sums.append(of_sample.agg(["sum", "count"]))
        # NaN counts as without a call.
        tenth = np.minimum(percentile.fillna(100.0 * BINS) // (100 / BINS), BINS).astype(int)
        tenth[percentile == 100.0] = BINS - 1
        for drug, places in tenth.groupby(rows["drug"], sort=False, observed=True):
            counts = np.bincount(places, minlength=BINS + 1)
            bins[str(drug)] = bins.get(str(drug), 0) + counts
    # A sample at the end of one piece may be the first of the next.
    whole = pd.concat(sums).groupby(level=0, sort=False, observed=True).sum()
    with np.errstate(invalid="ignore"):
        resistance = whole["sum"].to_numpy(float) / whole["count"].to_numpy(float)
    return ScoreSummary([str(sample) for sample in whole.index], resistance, bins)


@dataclass(frozen=True)
class ScoreFolder:
    """An output of `sidestep score`.

    Attributes
    ----------
    path : Path
    manifest : dict
    reference : DataFrame
        ``reference.parquet`` as it is.
    only : frozenset of str, optional
        Samples that are looked at; all by default.
    """

    path: Path
    manifest: dict[str, Any]
    reference: pd.DataFrame
    only: frozenset[str] | None = None

    @cached_property
    def scores(self) -> pd.DataFrame:
        """``scores.parquet`` as it is, in memory as a whole."""
        scores: pd.DataFrame = _read(self.path / _SCORES).to_pandas()
        return scores

    @cached_property
    def summary(self) -> ScoreSummary:
        """All scores in short; the file is read piece by piece.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return summary_of(self._rows(COLUMNS))

    @cached_property
    def known(self) -> Known:
        """What is known of the scored samples.

        Raises
        ------
        InputError
            If that is missing or cannot be read.
        """
        columns = ["sample_id", "her2", "her2_assay"]
        parts = [
            piece.to_pandas().drop_duplicates("sample_id").astype("str")
            for piece in self._rows(columns)
        ]
        her2 = pd.concat(parts).drop_duplicates("sample_id").set_index("sample_id")
        return read_known(self.path / SAMPLES, her2, str(self.path))

    @property
    def tells_of_samples(self) -> bool:
        """Whether anything but scores is known of the samples: not in folders of old versions."""
        return (self.path / SAMPLES).exists()

    def calls(self, groups: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Samples by drug, group and call, as `serving.disk.samples.count_calls` counts them."""
        return count_calls(self._rows(["sample_id", "drug", "call"]), groups)

    def narrowed(self, where: str | Iterable[str]) -> ScoreFolder:
        """The folder with the samples that meet all filters alone; the counts are theirs.

        Raises
        ------
        InputError
            As `features.cohorts.choose_cohort`, or if nothing is known of the samples.
        """
        filters = [str(one) for one in parse_filters(where)]
        if not filters:
            return self
        cohort = choose_cohort(self.known, filters)
        part = replace(self, only=frozenset(map(str, cohort.samples)))
        calls = part.calls()
        counts = self.manifest["counts"] | {
            "samples_scored": len(cohort.samples),
            "rows": int(calls[list(CALLS)].to_numpy().sum()),
            "calls": {call: int(calls[call].sum()) for call in CALLS},
        }
        facts = {**self.manifest, "counts": counts, "shown": cohort.record()}
        return replace(part, manifest=facts)

    def _rows(self, columns: list[str]) -> Generator[pa.Table]:
        """Rows of the scores of the samples that are looked at, piece by piece."""
        return _pieces(self.path / _SCORES, self.only, columns)

    @property
    def samples(self) -> Sequence[str]:
        """Scored samples, in study order."""
        return self.summary.samples

    @property
    def modalities(self) -> list[str]:
        """Those that the model uses."""
        return [name for name in MODALITIES if name in self.manifest["coverage"]]

    def each_sample(self, shown: Collection[str] | None = None) -> Iterator[SampleScores]:
        """Those of the samples that are `shown` (all by default), in study order, one at a time.

        Only a part of the tables is in memory.

        Raises
        ------
        InputError
            If a table cannot be read, or they do not hold the same samples.
        """
        evidence = self._evidence(shown)
        names = (_EXPLANATIONS, _MECHANISMS)
        with ExitStack() as open_files:
            scores, *others = (
                open_files.enter_context(closing(_by_sample(self.path / name, shown)))
                for name in (_SCORES, *names)
            )
            for sample, rows in scores:
                parts = [next(other, None) for other in others]
                for name, part in zip(names, parts, strict=True):
                    if part is None or part[0] != sample:
                        raise InputError(f"{self.path / name} lacks sample {sample}; {_AGAIN}")
                features, sums = (part[1] for part in parts if part is not None)
                with _sound(self.path):
                    one = assemble(sample, rows, features, sums, evidence.get(sample, []))
                yield one

    def one_sample(self, sample: str) -> SampleScores:
        """A single sample.

        Raises
        ------
        InputError
            If it was not scored; it suggests the nearest names.
        """
        tables = [
            _read(self.path / name, [("sample_id", "==", sample)])
            for name in (_SCORES, _EXPLANATIONS, _MECHANISMS)
        ]
        if not len(tables[0]):
            raise InputError(self._unknown(sample))
        facts = self._evidence([sample]).get(sample, [])
        with _sound(self.path):
            scores, features, sums = map(columns_of, tables)
            return assemble(sample, scores, features, sums, facts)

    def of_drug(self, drug: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of the scores and of the sums by mechanism of one drug, of the samples looked at.

        Raises
        ------
        InputError
            If a table cannot be read.
        """
        tables = (
            _read(self.path / name, [("drug", "in", [drug, drug.partition(UNDER)[0]])])
            for name in (_SCORES, _MECHANISMS)
        )
        scores, sums = (table.filter(pc.equal(table["drug"], drug)).to_pandas() for table in tables)
        if self.only is not None:
            scores, sums = (one[one["sample_id"].isin(self.only)] for one in (scores, sums))
        return scores, sums

    def partners(self, shown: Collection[str] | None = None) -> dict[str, list[dict[str, Any]]]:
        """Sample -> ranked partner drugs, as `sidestep combine` wrote them; none where it did not.

        Raises
        ------
        InputError
            If the table cannot be read.
        """
        path = self.path / PARTNERS
        if not path.exists():
            return {}
        _require_columns(path)
        found: dict[str, list[dict[str, Any]]] = {}
        for piece in _pieces(path, shown, _COLUMNS[PARTNERS]):
            for row in plain(piece).to_pylist():
                if row["rank"] is not None:
                    found.setdefault(str(row["sample_id"]), []).append(row)
        return found

    def sample_called(self, name: str) -> str:
        """The scored sample of that name, regardless of case and punctuation.

        Raises
        ------
        InputError
            If there is none, or more than one; it suggests the nearest names.
        """
        if name in self.samples:
            return name
        found = [sample for sample in self.samples if match_key(sample) == match_key(name)]
        if len(found) != 1:
            raise InputError(self._unknown(name))
        return found[0]

    def _unknown(self, sample: str) -> str:
        if sample in self.manifest["quarantined"]:
            return (
                f"sample {sample} has no scores in {self.path}: "
                f"{self.manifest['quarantined'][sample]}"
            )
        nearest = get_close_matches(sample, self.samples, n=3)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else (
            f"it has {len(self.samples):,} samples, {self.samples[0]} among them"
        )  # fmt: skip
        return f"{self.path} has no sample {sample!r}; {hint}"

    def _evidence(self, shown: Collection[str] | None) -> dict[str, list[dict[str, Any]]]:
        """Facts of each sample; none where no evidence was looked for."""
        path = self.path / _EVIDENCE
        if not path.exists():
            return {}
        _require_columns(path)
        facts: dict[str, list[dict[str, Any]]] = {}
        for piece in _pieces(path, shown):
            for row in rows_of(columns_of(piece)):
                facts.setdefault(str(row["sample_id"]), []).append(row)
        return facts


def read_score_folder(path: Path) -> ScoreFolder:
    """Read an output of `sidestep score`.

    Raises
    ------
    InputError
        If `path` is none, lacks a file or column (an older one), or a file cannot be read.
    """
    manifest = read_manifest(path)
    missing = [name for name in _FACTS if name not in manifest]
    if missing:
        raise InputError(
            f"{path / MANIFEST} lacks {', '.join(missing)}, written by an older version; {_AGAIN}"
        )
    require_sound_facts(path, manifest)
    for name in (_SCORES, _EXPLANATIONS, _MECHANISMS):
        _require_columns(path / name)
    drugs = _drugs_of(path / _SCORES)
    if not drugs:
        raise InputError(f"{path / _SCORES} has no rows; {_AGAIN}")
    facts = described(manifest)
    known = {drug["name"] for drug in facts["drugs"]}
    for drug in drugs:
        if drug not in known:
            raise InputError(f"{path / MANIFEST} does not describe drug {drug}; {_AGAIN}")
    # What other verbs do with the folder's files changes nothing of what they say.
    facts = {name: value for name, value in facts.items() if name not in (FILES_KEY, ADDED_KEY)}
    reference = spread(_read(path / _REFERENCE).to_pandas(), manifest)
    return ScoreFolder(path, facts, reference)


def _drugs_of(path: Path) -> dict[str, None]:
    """Drugs that a table of scores has rows of, labelled, in the order of the rows."""
    found: dict[str, None] = {}
    with closing(_batches(path, ["drug"])) as batches:
        for batch in batches:
            rows = pa.Table.from_batches([batch])
            different = labelled(rows.group_by(rows.column_names).aggregate([]))
            found |= dict.fromkeys(different["drug"].to_pylist())
    return found


def _regimen(path: Path) -> list[str]:
    """The column of regimens, where a table has it: those of older versions do not."""
    return ["regimen"] if "regimen" in pq.read_schema(path).names else []


def _text_columns(path: Path) -> list[str]:
    return [part.name for part in pq.read_schema(path) if pa.types.is_string(part.type)]


def _read(path: Path, filters: list[tuple[str, str, Any]] | None = None) -> pa.Table:
    _require_columns(path)
    with _readable(path):
        return labelled(pq.read_table(path, filters=filters))


def _batches(path: Path, columns: list[str] | None = None) -> Generator[pa.RecordBatch]:
    """Rows of a table piece by piece, text as codes; damage may show in any of them."""
    with _readable(path), pq.ParquetFile(path, read_dictionary=_text_columns(path)) as file:
        if columns is not None and "drug" in columns and path.name != PARTNERS:
            columns = [*columns, *_regimen(path)]  # which tells what a row is called
        # Of all groups together, the reader would keep what it has read until the last is done.
        for group in range(file.num_row_groups):
            yield from file.iter_batches(ROWS_A_GROUP, row_groups=[group], columns=columns)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say that a file cannot be read if what is done to it fails."""
    try:
        yield
    except (OSError, pa.ArrowException) as failure:
        raise InputError(f"{path} cannot be read ({_first_line(failure)}); {_AGAIN}") from failure


@contextmanager
def _sound(folder: Path) -> Iterator[None]:
    """Say that tables do not hold what they should where a sample cannot be put together."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError, KeyError, OverflowError) as failure:
        what = f"{type(failure).__name__}: {_first_line(failure)}"
        raise InputError(f"the tables of {folder} are damaged ({what}); {_AGAIN}") from failure


def _require_columns(path: Path) -> None:
    """Refuse a table that is missing, or was written before its columns were what they are."""
    if not path.exists():
        raise InputError(f"{path} is missing, as in folders of older versions; {_AGAIN}")
    with _readable(path):
        require_plain_table(path)
        names = pq.read_schema(path).names
    missing = [name for name in _COLUMNS[path.name] if name not in names]
    if missing:
        raise InputError(
            f"{path} lacks column {', '.join(missing)}, as in folders of older versions; {_AGAIN}"
        )


def _first_line(failure: Exception) -> str:
    return str(failure).partition("\n")[0].rstrip(".")


def _pieces(
    path: Path, shown: Collection[str] | None, columns: list[str] | None = None
) -> Generator[pa.Table]:
    """Rows of the samples that are `shown`, piece by piece in the file's order, text as codes."""
    wanted = None if shown is None else pa.array(list(shown), pa.string())
    with closing(_batches(path, columns)) as batches:
        for batch in batches:
            rows = batch
            if wanted is not None:
                names = batch["sample_id"].dictionary_encode()
                rows = batch.filter(pc.is_in(names.dictionary, wanted).take(names.indices))
            yield labelled(pa.Table.from_batches([rows]))


def _by_sample(path: Path, shown: Collection[str] | None) -> Generator[tuple[str, Columns]]:
    """Each sample that is `shown`, in the file's order, with its rows."""
    with _readable(path):
        names = pq.read_schema(path).names
    needed = [name for name in names if name in _COLUMNS[path.name] or name.startswith(_OPEN)]
    with closing(_pieces(path, shown, needed)) as pieces, _sound(path.parent):
        yield from by_sample(pieces)
