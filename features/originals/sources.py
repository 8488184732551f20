"""Which table is this? Told by its columns and names, whatever the file is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.identifiers import match_key, without_tissue
from sidestep.features.originals import depmap
from sidestep.features.originals.attributes import attributes_part, clinical_part
from sidestep.features.originals.calls import fusions_part, mutations_part
from sidestep.features.originals.containers import open_table
from sidestep.features.originals.given import Given
from sidestep.features.originals.levels import (
    ANTIBODY,
    DRUG,
    Feature,
    Levels,
    averaged,
    gene_feature,
    naming_column,
    read_levels,
    share,
)
from sidestep.features.originals.lines import ccle_lines, sample_names
from sidestep.features.originals.parts import Part, Source, part_of_levels
from sidestep.features.originals.proteins import read_ccle_rppa
from sidestep.features.originals.screens import (
    Read,
    read_ccle_drugs,
    read_ctrp,
    read_gdsc,
    read_prism,
)
from sidestep.features.study.mutations import COLUMN_TABLE

_GDSC: Final = frozenset(
    "COSMIC_ID CELL_LINE_NAME SANGER_MODEL_ID TCGA_DESC DRUG_ID DRUG_NAME LN_IC50 AUC".split()
)
_CCLE_DRUGS: Final = frozenset({"CCLE Cell Line Name", "Compound", "ActArea"})
_PRISM: Final = frozenset({"depmap_id", "name", "auc"})
#: Table of CTRPv2 -> its columns; each release names its files otherwise.
_CTRP: Final = {
    "curves": frozenset({"experiment_id", "area_under_curve", "master_cpd_id"}),
    "experiments": frozenset({"experiment_id", "master_ccl_id"}),
    "lines": frozenset({"master_ccl_id", "ccl_name"}),
    "compounds": frozenset({"master_cpd_id", "cpd_name"}),
}
_KNOWN: Final = (
    "responses of GDSC, CTRPv2 (its folder), PRISM or CCLE's 24 drugs, CCLE's RPPA, DepMap's "
    "tables, a table of genes, antibodies or calls"
)
_CLEAR: Final = 0.3


def read_published(source: Path) -> Read:
    """Read a published file of responses or proteins, or a folder of CTRPv2's.

    Raises
    ------
    InputError
        If it is none that is known, or cannot be read.
    """
    paths = sorted(source.iterdir()) if source.is_dir() else [source]
    given = [open_table(path) for path in paths if path.is_file()]
    found = [read for one in given if (read := _published(one)) is not None]
    ctrp = _ctrp([one for one in given if _ctrp_kind(one)], source)
    if ctrp is not None:
        return ctrp
    if len(found) != 1:
        raise InputError(f"{source} is none of the files that are known: {_KNOWN}")
    return found[0]


def read_sources(paths: Sequence[Path]) -> list[Part]:
    """Parts of files whose content tells what they are.

    Parameters
    ----------
    paths : sequence of Path
        Files of one study: published ones, DepMap's, or plain tables of genes, antibodies, calls
        and clinical attributes.

    Raises
    ------
    InputError
        If one cannot be told, or cannot be read.
    """
    given = [open_table(path) for path in paths]
    folder = paths[0].parent if paths else Path()
    ctrp = _ctrp([one for one in given if _ctrp_kind(one)], folder)
    reads = [] if ctrp is None else [ctrp]
    reads += [read for one in given if (read := _published(one)) is not None]
    rest = [one for one in given if not _ctrp_kind(one) and _published_kind(one) is None]
    models = [one for one in rest if depmap.is_model_table(one)]
    profiles: dict[str, str] = {}
    for one in [one for one in rest if depmap.is_profile_table(one)]:
        profiles |= depmap.read_profiles(one)
        rest.remove(one)
    parts = [part for read in reads for part in parts_of_read(read)]
    names: dict[str, str] = {}
    for one in models:
        attributes, own = depmap.read_models(one)
        names |= own
        parts.append(attributes_part(attributes, one.file))
        rest.remove(one)
    for one in rest:
        part, lines = _plain_part(one, profiles, names)
        parts.append(part)
        if one.attributes is not None:
            parts.append(attributes_part(one.attributes, one.file))
        if lines is not None and not names:
            parts.append(attributes_part(lines, one.file))
    if names:
        parts = [_of_measured(part, parts, set(names.values())) for part in parts]
    return parts


def parts_of_read(read: Read) -> list[Part]:
    """What was read of published files, as parts."""
    file = read.what
    parts = [attributes_part(read.clinical, file)]
    if read.rppa is not None:
        features = pd.DataFrame({ANTIBODY.column: list(read.rppa.columns)}, dtype="str")
        levels = Levels(tuple(map(str, read.rppa.index)), features, read.rppa.to_numpy().T)
        parts.append(part_of_levels(Source("rppa", Path()), levels, file))
    for screen in read.screens:
        drugs = pd.DataFrame({DRUG.column: list(screen.values.columns)}, dtype="str")
        levels = Levels(tuple(map(str, screen.values.index)), drugs, screen.values.to_numpy().T)
        source = Source(
            "responses", Path(), unit=screen.unit, name=screen.stable_id,
            higher_is_resistant=screen.higher_is_resistant,
        )  # fmt: skip
        parts.append(part_of_levels(source, levels, file))
    return [replace(parts[0], told=read.told), *parts[1:]]


def _published_kind(given: Given) -> Callable[[pd.DataFrame, str], Read] | None:
    columns = set(given.names)
    if columns >= _GDSC:
        return read_gdsc
    if columns >= _CCLE_DRUGS:
        return read_ccle_drugs
    if columns >= _PRISM:
        return read_prism
    names = given.table.labels(1000)
    if _are_ccle_lines(names) and share(given.names[1:], ANTIBODY.is_one) > _CLEAR:
        return read_ccle_rppa
    return None


def _published(given: Given) -> Read | None:
    read = _published_kind(given)
    return None if read is None else read(given.table.text(given.table.columns), given.file)


def _are_ccle_lines(names: Sequence[str]) -> bool:
    """Whether most names end with a tissue, as CCLE's do."""
    ending = sum(without_tissue(name) != name for name in names)
    return bool(names) and 2 * ending > len(names)


def _ctrp_columns(given: Given) -> set[str]:
    return {"experiment_id" if name == "expt_id" else name for name in given.names}


def _ctrp_kind(given: Given) -> str:
    columns = _ctrp_columns(given)
    return next((kind for kind, own in _CTRP.items() if own <= columns), "")


def _ctrp(given: Sequence[Given], folder: Path) -> Read | None:
    parts: dict[str, list[pd.DataFrame]] = {}
    for one in given:
        table = one.table.text(one.table.columns).rename(columns={"expt_id": "experiment_id"})
        parts.setdefault(_ctrp_kind(one), []).append(table)
    if not parts:
        return None
    if missing := [kind for kind in _CTRP if kind not in parts]:
        needed = "; ".join(f"{kind} ({', '.join(sorted(_CTRP[kind]))})" for kind in missing)
        raise InputError(f"{folder} lacks tables of CTRPv2: {needed}; known are {_KNOWN}")
    tables = {kind: pd.concat(several, ignore_index=True) for kind, several in parts.items()}
    return read_ctrp(tables, folder.name)


def _plain_part(
    given: Given, profiles: dict[str, str], names: dict[str, str]
) -> tuple[Part, pd.DataFrame | None]:
    """A part of a table that is no screen, and attributes of the lines that it names."""
    given, told = depmap.default_rows(given)
    if _is_calls(given):
        part = mutations_part(Source("mutations", given.path), given)
        if depmap.are_models(list(part.samples)) and part.sequenced is None:
            # Of each model that was sequenced DepMap has hundreds of calls.
            part = replace(part, sequenced=part.samples)
    elif given.named("Site1_Hugo_Symbol", "LeftGene", "Left_Gene", "Gene1") is not None:
        part = fusions_part(Source("fusions", given.path), given)
    else:
        feature, kind = _feature_of(given)
        if feature is None:
            _refuse_other_than_attributes(given)
            return clinical_part(Source("clinical", given.path), given), None
        levels = read_levels(given, feature)
        kind = kind or _level_kind(levels, given)
        unit = depmap.copy_number_unit(levels.values) if kind == "copy_number" and (
            depmap.are_models(list(levels.samples)) or depmap.are_profiles(list(levels.samples))
        ) else _unit_in_name(given, kind)  # fmt: skip
        part = part_of_levels(Source(kind, given.path, unit=unit), levels, given.file)
    part = replace(part, told=(*told, *part.told))
    return _renamed(part, profiles, names)


def _refuse_other_than_attributes(given: Given) -> None:
    """Refuse tables that are no clinical attributes and no other kind either."""
    if given.samples:
        raise InputError(
            f"{given.path} names its rows as an array's probes (for one "
            f"{given.table.labels(1)[0]!r}); give their symbols: --expression {given.path} "
            "--probes FILE, with columns ID and Gene Symbol"
        )
    dose = given.named("dose", "concentration", "conc", "dose_uM", "od0.1")
    if dose is not None and given.named("drug", "compound", "agent", "treatment") is not None:
        raise InputError(
            f"{given.path} holds readings of plates; fit curves to them, which makes a study: "
            f"sidestep fit {given.path} --out STUDY"
        )


def _is_calls(given: Given) -> bool:
    columns = COLUMN_TABLE.load()
    has = {meaning: given.table.find(*names) is not None for meaning, names in columns.items()}
    if given.table.find("Extra") is not None and given.table.find("Consequence") is not None:
        return True
    return has["gene"] and has["effect"] and (has["change"] or has["sample"])


def _feature_of(given: Given) -> tuple[Feature | None, str]:
    """What the rows or columns of a table are."""
    words = given.word_columns()
    numbers = [name for column, name in given.own_names.items() if column not in words]
    if len(numbers) < 1:
        return None, ""
    labels = given.table.labels(1000)
    genes = gene_feature()
    column = naming_column(given, genes)
    if column is not None:
        labels = given.table.text([column], rows=1000)[column].dropna().tolist()
    best = {
        kind: max(share(labels, feature.is_one), share(numbers, feature.is_one))
        for kind, feature in (("", genes), ("rppa", ANTIBODY), ("responses", DRUG))
    }
    kind = max(best, key=lambda kind: best[kind])
    if best[kind] < _CLEAR:
        return None, ""
    if kind == "rppa" and best[""] > 0.9 * best["rppa"] and not _has_sites(labels, numbers):
        kind = ""
    return {"": genes, "rppa": ANTIBODY, "responses": DRUG}[kind], kind


def _has_sites(*names: Sequence[str]) -> bool:
    """Whether names have phosphorylated sites, as those of antibodies do."""
    return any("_p" in name or "|" in name or "-p" in name for several in names for name in several)


def _level_kind(levels: Levels, given: Given) -> str:
    """Whether levels of genes are expression or copy number: copies of most genes are two."""
    values = levels.values[np.isfinite(levels.values)]
    if not len(values):
        raise InputError(f"{given.path} holds no number; export it again")
    calls = np.isin(values, (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0)).all()
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    narrow = high - low < 2.5 and values.std() < 1.2
    ratios = 0.75 <= middle <= 1.4 and low > 0.2
    logs = abs(middle) < 0.25 and low < 0
    return "copy_number" if calls or (narrow and (ratios or logs)) else "expression"


def _unit_in_name(given: Given, kind: str) -> str:
    """Unit of expression that a file's name says; empty where it says none."""
    if kind != "expression":
        return ""
    name = match_key(given.file)
    for unit in ("TPM", "FPKM", "RPKM", "CPM"):
        if unit in name:
            logged = any(word in name for word in ("LOGP1", "LOG2", "LOG"))
            return f"log2({unit} + 1)" if logged else unit
    # DepMap's and CCLE's older name of the same.
    return "log2(TPM + 1)" if name.startswith("CCLEEXPRESSION") else ""


def _renamed(
    part: Part, profiles: dict[str, str], names: dict[str, str]
) -> tuple[Part, pd.DataFrame | None]:
    """A part whose samples go by the names of lines, and attributes of these."""
    own = list(part.samples)
    told: list[str] = []
    new: dict[str, str] = {}
    attributes: pd.DataFrame | None = None
    if depmap.are_profiles(own):
        new = depmap.models_of(own, profiles)
        if not profiles:
            told.append(
                f"{part.file}: its samples are profiles; give OmicsProfiles.csv beside it, and "
                "they become models"
            )
    models = [new.get(name, name) for name in own]
    if depmap.are_models(models):
        new = {name: names.get(model, model) for name, model in zip(own, models, strict=True)}
        unknown = sum(model not in names for model in models)
        if names and unknown:
            told.append(f"{part.file}: {unknown} model(s) that Model.csv does not name keep theirs")
        attributes = pd.DataFrame(
            {"DEPMAP_ID": models, "SAMPLE_TYPE": "Cell Line"},
            index=pd.Index([new[name] for name in own], dtype="str"),
        )
    elif _are_ccle_lines(own):
        lines = ccle_lines(pd.Index(own, dtype="str"))
        new, shared = sample_names(lines)
        if shared:
            told.append(f"Lines whose name another one has keep their tissue: {some(shared)}")
        attributes = lines.rename(columns={"name": "CELL_LINE_NAME", "apart": "LINEAGE"}).assign(
            LINEAGE=lines["apart"].str.lower(), SAMPLE_TYPE="Cell Line"
        ).set_axis([new[name] for name in own])  # fmt: skip
    if attributes is not None:
        attributes = attributes[~attributes.index.duplicated()]
    part = replace(part, told=(*part.told, *told))
    return _under(part, new) if new else part, attributes


def _under(part: Part, new: dict[str, str]) -> Part:
    """A part whose samples have other names."""
    if part.values is not None:
        levels = averaged(Levels(part.samples, part.table, part.values, part.told), new)
        return replace(part, samples=levels.samples, values=levels.values, told=levels.told)
    column = part.sample_column
    if not column:
        return part
    table = part.table.assign(**{column: part.table[column].map(lambda name: new.get(name, name))})
    samples = tuple(dict.fromkeys(new[name] for name in part.samples))
    sequenced = part.sequenced
    if sequenced is not None:
        sequenced = tuple(dict.fromkeys(new.get(name, name) for name in sequenced))
    return replace(part, table=table, samples=samples, sequenced=sequenced)


def _of_measured(part: Part, parts: Sequence[Part], models: set[str]) -> Part:
    """A table of models without those that no other file has."""
    if part.kind != "clinical" or not set(part.samples) <= models:
        return part
    measured = {name for other in parts if other.kind != "clinical" for name in other.samples}
    kept = [name for name in part.samples if name in measured] or list(part.samples)
    left = len(part.samples) - len(kept)
    told = (*part.told, f"{part.file}: {left:,} model(s) without data are left out") if left else ()
    return replace(part, samples=tuple(kept), table=part.table.loc[kept], told=told or part.told)
