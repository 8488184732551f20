"""A study as one table of measurements, for callers that have no study folder.

Long, a row a measurement:

========= ==================================================================================
column    meaning
========= ==================================================================================
sample_id sample
modality  ``expression``, ``rppa``, ``mutation``, ``copy_number``, ``signature`` or ``clinical``
feature   gene symbol, antibody name, signature, or clinical attribute
value     level (log2), log2 copy-number ratio, score of a signature; mutation: 1 for a call,
          0 for none
detail    mutation: ``Variant_Classification`` and protein change, space-separated, or one of
          them, or ``unknown``; clinical: text
========= ==================================================================================

Wide, a row a sample: `sample_id` and columns ``MODALITY:FEATURE``, such as ``expression:ERBB2``,
``rppa:HER2_pY1248``, ``copy_number:MYC``, ``mutation:PIK3CA`` (0 without a call, else its detail;
several with ``;`` between) and ``clinical:LINEAGE``. An empty cell was not measured.

A sequenced sample has at least one mutation row; a row with the feature ``(sequenced)`` says
that a sample was sequenced, with or without calls. Numbers are read as those of data frames
(`study.frames`): on other scales than log2 they are converted, or refused. Gene panels and
structural variants have no place in such a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.study.antibodies import parse_antibody
from sidestep.features.study.mutations import one_change_each
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.effects import UNKNOWN, effect_of_word, effects
from sidestep.features.vocabulary.protein_changes import effect_of_change

COLUMNS = ("sample_id", "modality", "feature", "value", "detail")
SEQUENCED = "(sequenced)"
#: Identifier of a study that was made of measurements.
MEASUREMENTS = "measurements"
#: Modality -> field of a study that holds its samples x features.
_MATRICES = {
    "expression": "expression",
    "rppa": "rppa",
    "copy_number": "copy_number",
    "signature": "signatures",
}
_MODALITIES = (*_MATRICES, "mutation", "clinical")
_DONOR = "PATIENT_ID"


def measurements_of(study: Study) -> pd.DataFrame:
    """The study's measurements as a long table with `COLUMNS`.

    Donors that are not called as their sample are the clinical feature ``PATIENT_ID``.
    """
    parts = [_no_measurements()]
    for modality, held in _MATRICES.items():
        table = getattr(study, held)
        if table is not None:
            long = pd.Series(table.rename_axis(index="sample_id", columns="feature").stack())
            parts.append(long.reset_index(name="value").assign(modality=modality))
    if study.sequenced is not None and study.mutations is not None:
        tested = pd.DataFrame({"sample_id": study.sequenced, "feature": SEQUENCED})
        calls = study.mutations
        change = calls["protein_change"].fillna("")
        kind = calls["classification"].fillna("").str.strip().str.replace(" ", "_")
        unread = effects(calls["classification"], calls["protein_change"]).eq(UNKNOWN)
        called = pd.DataFrame(
            {
                "sample_id": calls["sample_id"],
                "feature": calls["gene"],
                "value": 1.0,
                "detail": (kind + " " + change).str.strip().mask(unread, UNKNOWN),
            }
        )
        parts.append(pd.concat([tested, called]).assign(modality="mutation"))
    attributes = study.clinical.rename_axis(index="sample_id", columns="feature")
    if _DONOR not in attributes:
        others = study.donors[study.donors.to_numpy(object) != study.samples.to_numpy(object)]
        attributes = attributes.assign(**{_DONOR: others.reindex(attributes.index)})
    clinical = pd.Series(attributes.stack()).dropna()
    parts.append(clinical.reset_index(name="detail").assign(modality="clinical"))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def study_of_measurements(measurements: pd.DataFrame) -> Study:
    """Read a long or wide table of measurements as a study without responses.

    Parameters
    ----------
    measurements : DataFrame
        Long, with `COLUMNS` (the last two may be left out), or wide, with `sample_id` (or an index
        of that name) and columns ``MODALITY:FEATURE``.

    Raises
    ------
    InputError
        If a column is missing, a row has no sample, a modality is unknown, a value is no number
        from -1e30 to 1e30, a measurement is given twice, or the numbers are on a scale that cannot
        be told.
    """
    if not isinstance(measurements, pd.DataFrame):
        raise InputError(
            f"measurements are a {type(measurements).__name__}; give a table with a row a "
            "measurement or a sample"
        )
    table = measurements
    if "sample_id" not in table.columns and table.index.name == "sample_id":
        table = table.reset_index()
    long = {"modality", "feature"} & set(table.columns)
    wide = [] if long else [str(n) for n in table.columns if str(n).partition(":")[1]]
    _require_columns(table, ("sample_id",) if wide else COLUMNS[:3])
    table = table.assign(sample_id=_names(table["sample_id"], "sample_id"))
    samples = pd.Index(table["sample_id"].unique(), dtype="str", name="sample_id")
    tables = _of_wide(table, wide) if wide else _of_long(table)
    frames = {name: frame for name, frame in tables.items() if not frame.empty}
    calls = tables["mutation"]
    if not len(samples):
        return _empty()
    clinical = frames.get("clinical", pd.DataFrame(index=samples)).reindex(samples)
    study = Study.from_frames(
        clinical=clinical.rename_axis(index="SAMPLE_ID"),
        study_id=MEASUREMENTS,
        expression=frames.get("expression"),
        rppa=frames.get("rppa"),
        copy_number=frames.get("copy_number"),
        signatures=frames.get("signature"),
    )
    return study if calls.empty else _with_calls(study, calls)


def _empty() -> Study:
    """A study without a sample."""
    one = pd.DataFrame(index=pd.Index(["none"], name="SAMPLE_ID"))
    return Study.from_frames(clinical=one, study_id=MEASUREMENTS).select([])


def _no_measurements() -> pd.DataFrame:
    types = dict.fromkeys(COLUMNS, "str") | {"value": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def _require_columns(table: pd.DataFrame, needed: tuple[str, ...]) -> None:
    for name in needed:
        if name not in table.columns:
            raise InputError(
                f"measurements lack column {name}; give {', '.join(COLUMNS)}, one row each, or "
                "sample_id and columns such as expression:ERBB2, a row a sample"
            )
    if twice := list(table.columns[table.columns.duplicated()]):
        raise InputError(f"measurements have column {twice[0]} twice; give it once")


def _names(column: pd.Series, what: str) -> pd.Series:
    """Names as text; refuse a row without one."""
    places, values = pd.factorize(column)
    texts = [_text(value) for value in values]
    blank = places < 0
    blank |= np.isin(places, [at for at, text in enumerate(texts) if not text])
    if blank.any():
        row = int(blank.argmax()) + 1
        raise InputError(f"measurements, row {row} has no {what}; give it one")
    named = np.array(texts, dtype=object)[places] if texts else np.array([], dtype=object)
    return pd.Series(named, index=column.index, dtype="str")


def _text(name: object) -> str:
    """A name as text: 45.0 reads 45, as a table of numbers has it where one is missing."""
    return f"{name:.0f}" if isinstance(name, float) and name.is_integer() else str(name).strip()


def _of_long(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Samples x features of each matrix and of clinical attributes, and calls, of a long table."""
    table = table.reindex(columns=list(COLUMNS))
    for name in ("modality", "feature"):
        table[name] = _names(table[name], name)
    table["detail"] = table["detail"].astype("str")
    parts = dict(list(table.groupby("modality", sort=False)))
    if unknown := sorted(map(str, set(parts) - set(_MODALITIES))):
        raise InputError(
            f"measurements have modality {unknown[0]}; use one of {', '.join(_MODALITIES)}"
        )
    nothing = table.iloc[:0]
    read: dict[str, pd.DataFrame] = {
        name: _matrix(_renamed(parts.get(name, nothing), name), name) for name in _MATRICES
    }
    read["clinical"] = _pivot(parts.get("clinical", nothing), "clinical", "detail")
    read["mutation"] = _tested(_renamed(parts.get("mutation", nothing), "mutation"))
    return read


def _of_wide(table: pd.DataFrame, columns: list[str]) -> dict[str, pd.DataFrame]:
    """The same of a wide table."""
    if table["sample_id"].duplicated().any():
        first = table.loc[table["sample_id"].duplicated(), "sample_id"].iloc[0]
        raise InputError(f"measurements give sample {first} in several rows; give it one row")
    cells = table.set_index("sample_id")
    others = [str(name) for name in cells.columns if str(name).partition(":")[0] not in _MODALITIES]
    if others:
        raise InputError(
            f"measurements have column {others[0]}; begin its name with one of "
            f"{', '.join(f'{name}:' for name in _MODALITIES)} or leave it out"
        )
    named: dict[str, list[str]] = {name: [] for name in _MODALITIES}
    for column in columns:
        named[column.partition(":")[0]].append(column)
    read = {}
    for modality in _MATRICES:
        part = cells[named[modality]].dropna(how="all").dropna(how="all", axis=1)
        read[modality] = part.set_axis(_features(part.columns, modality), axis=1)
        if twice := list(read[modality].columns[read[modality].columns.duplicated()]):
            raise InputError(
                f"measurements give {modality} {twice[0]} in more than one column; give it once"
            )
    attributes = cells[named["clinical"]].dropna(how="all", axis=1)
    read["clinical"] = attributes.set_axis(_features(attributes.columns, "clinical"), axis=1)
    read["mutation"] = _tested(pd.DataFrame(_mutation_rows(cells[named["mutation"]])))
    return read


def _features(columns: pd.Index, modality: str) -> list[str]:
    return [_feature(str(name).partition(":")[2], modality) for name in columns]


def _feature(name: str, modality: str) -> str:
    """A feature under the name that studies are read with."""
    if modality in ("clinical", "signature") or name == SEQUENCED:
        return name
    return parse_antibody(name).canonical if modality == "rppa" else current_symbol(name)


def _mutation_rows(cells: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Rows of a long table for the mutations of a wide one."""
    for column in cells.columns:
        gene = _feature(str(column).partition(":")[2], "mutation")
        for sample, cell in cells[column].dropna().items():
            number = pd.to_numeric(pd.Series([cell]), errors="coerce").iloc[0]
            if pd.notna(number):
                yield {"sample_id": sample, "feature": gene, "value": number, "detail": None}
                continue
            for detail in str(cell).split(";"):
                yield {"sample_id": sample, "feature": gene, "value": 1, "detail": detail.strip()}


def _renamed(rows: pd.DataFrame, modality: str) -> pd.DataFrame:
    """Rows under the names that studies are read with."""
    names = {str(name): _feature(str(name), modality) for name in rows["feature"].unique()}
    return rows.assign(feature=rows["feature"].map(names).astype("str"))


def _matrix(rows: pd.DataFrame, modality: str) -> pd.DataFrame:
    """Samples x features of one modality, without what was not measured."""
    number = _numbers(rows, modality)
    wide = _pivot(rows.assign(value=number), modality, "value")
    return wide.dropna(how="all").dropna(how="all", axis=1)


def _numbers(rows: pd.DataFrame, modality: str) -> pd.Series:
    """Values as numbers, NaN where there is none."""
    number = pd.to_numeric(rows["value"], errors="coerce")
    bad = rows[number.isna() & rows["value"].notna()]
    if len(bad):
        first = bad.iloc[0]
        raise InputError(
            f"measurements give {modality} {first['feature']} of sample {first['sample_id']} "
            f"as {first['value']!r}; give a number, or leave it empty"
        )
    return number.astype(float)


def _tested(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of genes that were tested: those with a value, a detail, or `SEQUENCED`.

    The column `called` says whether there is a call.
    """
    if rows.empty:
        return pd.DataFrame(columns=["sample_id", "feature", "detail", "called"])
    value = _numbers(rows, "mutation")
    wrong = rows[value.notna() & ~value.isin((0.0, 1.0))]
    if len(wrong):
        first = wrong.iloc[0]
        raise InputError(
            f"measurements give mutation {first['feature']} of sample {first['sample_id']} the "
            f"value {first['value']}; give 1 for a call, 0 for none, and what it changes as detail"
        )
    whole = rows["feature"].eq(SEQUENCED)
    told = value.notna() | rows["detail"].fillna("").str.strip().ne("")
    called = ~whole & value.ne(0.0)
    kept = np.where(whole, value.ne(0.0), told)
    return rows.assign(called=called)[kept.astype(bool)]


def _with_calls(study: Study, tested: pd.DataFrame) -> Study:
    """The study with the mutations of `tested`; what is read of a row depends on no other."""
    calls = tested[tested["called"].astype(bool)]
    read = [
        _effect_and_change(detail, gene, sample)
        for detail, gene, sample in zip(
            calls["detail"].fillna("").astype(str).tolist(),
            calls["feature"].astype(str).tolist(),
            calls["sample_id"].astype(str).tolist(),
            strict=True,
        )
    ]
    sequenced = study.samples[study.samples.isin(tested["sample_id"])]
    table = pd.DataFrame(
        {
            "sample_id": calls["sample_id"].to_numpy(object),
            "gene": calls["feature"].to_numpy(object),
            "classification": [effect for effect, _ in read],
            "protein_change": [change for _, change in read],
        }
    )
    mutations, _ = one_change_each(table.astype("str").replace("", np.nan))
    return replace(
        study,
        mutations=mutations,
        sequenced=sequenced,
        panel_of=pd.Series(index=sequenced, dtype="str", name="panel"),
    )


def _effect_and_change(detail: str, gene: str, sample: str) -> tuple[str, str]:
    """Word and protein change of a call; one word alone is either, and ``unknown`` is neither."""
    first, _, rest = detail.strip().partition(" ")
    rest = rest.strip()
    if first.casefold() == UNKNOWN:
        return first, ""
    if effect_of_word(first) != UNKNOWN:
        return first, rest
    change = rest or first
    if not change or effect_of_change(change) == UNKNOWN:
        raise InputError(
            f"measurements give mutation {gene} of sample {sample} the detail {detail!r}, which "
            "names no effect; write the word of a MAF and the protein change, such as "
            f"Missense_Mutation p.H1047R, or {UNKNOWN}"
        )
    return (first if rest else ""), change


def _pivot(rows: pd.DataFrame, modality: str, values: str) -> pd.DataFrame:
    """Samples x features; raise InputError where a measurement is given twice."""
    twice = rows.duplicated(["sample_id", "feature"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise InputError(
            f"measurements give {modality} {first['feature']} of sample {first['sample_id']} "
            "more than once; give each measurement once"
        )
    return rows.pivot(index="sample_id", columns="feature", values=values)
