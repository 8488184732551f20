"""A study as one long table of measurements, for callers that have no study folder.

One row a measurement:

========= ==================================================================================
column    meaning
========= ==================================================================================
sample_id sample
modality  ``expression``, ``rppa``, ``mutation``, ``copy_number`` or ``clinical``
feature   gene symbol, antibody name, or clinical attribute
value     level (log2), log2 copy-number ratio; 1 for a mutation call
detail    mutation: ``Variant_Classification`` and protein change, space-separated; clinical: text
========= ==================================================================================

A sequenced sample has at least one mutation row; a row with the feature ``(sequenced)`` says
that a sample was sequenced, with or without calls.
"""

from __future__ import annotations

import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.study.antibodies import parse_antibody
from sidestep.features.study.study import Study

COLUMNS = ("sample_id", "modality", "feature", "value", "detail")
SEQUENCED = "(sequenced)"
_MATRICES = ("expression", "rppa", "copy_number")


def measurements_of(study: Study) -> pd.DataFrame:
    """The study's measurements as a long table with `COLUMNS`."""
    parts = [_no_measurements()]
    for modality in _MATRICES:
        table = getattr(study, modality)
        if table is not None:
            long = pd.Series(table.rename_axis(index="sample_id", columns="feature").stack())
            parts.append(long.reset_index(name="value").assign(modality=modality))
    if study.sequenced is not None and study.mutations is not None:
        tested = pd.DataFrame({"sample_id": study.sequenced, "feature": SEQUENCED})
        calls = study.mutations
        change = calls["protein_change"].fillna("")
        kind = calls["classification"].fillna("").str.strip().str.replace(" ", "_")
        called = pd.DataFrame(
            {
                "sample_id": calls["sample_id"],
                "feature": calls["gene"],
                "value": 1.0,
                "detail": (kind + " " + change).str.strip(),
            }
        )
        parts.append(pd.concat([tested, called]).assign(modality="mutation"))
    attributes = study.clinical.rename_axis(index="sample_id", columns="feature")
    clinical = pd.Series(attributes.stack())
    parts.append(clinical.reset_index(name="detail").assign(modality="clinical"))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def study_of_measurements(measurements: pd.DataFrame) -> Study:
    """Read a long table of measurements as a study without responses.

    Raises
    ------
    InputError
        If a column is missing, a modality unknown, a value no number, or a measurement given
        twice.
    """
    missing = [name for name in COLUMNS[:3] if name not in measurements.columns]
    if missing:
        raise InputError(
            f"measurements lack column {missing[0]}; give {', '.join(COLUMNS)}, one row each"
        )
    table = measurements.reindex(columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(set(COLUMNS) - {"value"}, "str"))
    unknown = sorted(set(table["modality"]) - {*_MATRICES, "mutation", "clinical"})
    if unknown:
        raise InputError(
            f"measurements have modality {unknown[0]}; "
            f"use one of {', '.join((*_MATRICES, 'mutation', 'clinical'))}"
        )
    samples = pd.Index(table["sample_id"].unique(), dtype="str", name="sample_id")
    wide = {modality: _matrix(table, modality, samples) for modality in _MATRICES}
    mutated = _under_current_symbols(table[table["modality"] == "mutation"])
    detail = mutated["detail"].fillna("").str.split(" ", n=1, expand=True)
    calls = pd.DataFrame(
        {
            "sample_id": mutated["sample_id"],
            "gene": mutated["feature"],
            "classification": detail.get(0, ""),
            "protein_change": detail.get(1, pd.Series(index=mutated.index, dtype="str")),
        }
    )
    sequenced = samples[samples.isin(mutated["sample_id"])]
    clinical = table[table["modality"] == "clinical"]
    attributes = _pivot(clinical, "clinical", "detail")
    return Study(
        path=None,
        study_id="measurements",
        name="measurements",
        simulated=False,
        samples=samples,
        donors=pd.Series(samples, index=samples, name="PATIENT_ID"),
        clinical=attributes.reindex(samples),
        expression=wide["expression"],
        expression_kind="continuous",
        rppa=wide["rppa"],
        antibodies=pd.DataFrame(),
        mutations=calls[calls["gene"] != SEQUENCED] if len(sequenced) else None,
        sequenced=sequenced if len(sequenced) else None,
        panels={},
        panel_of=pd.Series(index=sequenced, dtype="str"),
        copy_number=wide["copy_number"],
        copy_number_kind="log2",
        fusions=None,
        entrez=pd.Series(dtype="Int64"),
        response_files={},
    )


def _no_measurements() -> pd.DataFrame:
    types = dict.fromkeys(COLUMNS, "str") | {"value": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in types.items()})


def _matrix(table: pd.DataFrame, modality: str, samples: pd.Index) -> pd.DataFrame | None:
    rows = table[table["modality"] == modality]
    if rows.empty:
        return None
    if modality == "rppa":
        rows = rows.assign(feature=[parse_antibody(name).canonical for name in rows["feature"]])
    else:
        rows = _under_current_symbols(rows)
    number = pd.to_numeric(rows["value"], errors="coerce")
    bad = rows[number.isna() & rows["value"].notna()]
    if len(bad):
        first = bad.iloc[0]
        raise InputError(
            f"measurements give {modality} {first['feature']} of sample {first['sample_id']} "
            f"as {first['value']!r}; give a number, or leave it empty"
        )
    wide = _pivot(rows.assign(value=number.astype(float)), modality, "value")
    return wide.reindex(samples[samples.isin(wide.index)])


def _under_current_symbols(rows: pd.DataFrame) -> pd.DataFrame:
    """Measurements of genes, under the approved symbols that studies are read with."""
    name_of = {name: current_symbol(str(name)) for name in rows["feature"].dropna().unique()}
    return rows.assign(feature=rows["feature"].map(name_of).astype("str"))


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
