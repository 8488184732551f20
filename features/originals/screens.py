"""Drug screens in their makers' files: GDSC, CTRPv2, PRISM, and CCLE's 24 drugs.

Several values of a line and drug are averaged, and counted in the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.originals.lines import ccle_lines, clinical_table, sample_names


@dataclass(frozen=True)
class Screen:
    """One metric of a screen.

    Attributes
    ----------
    stable_id, unit : str
    higher_is_resistant : bool
    values : DataFrame
        Lines x drugs.
    """

    stable_id: str
    unit: str
    higher_is_resistant: bool
    values: pd.DataFrame


@dataclass(frozen=True)
class Read:
    """What was read of published files.

    Attributes
    ----------
    what : str
        Which files they are, in words.
    clinical : DataFrame
        Lines x attributes.
    screens : tuple of Screen
    rppa : DataFrame or None
        Lines x antibodies.
    told : tuple of str
        What was done, a sentence each.
    """

    what: str
    clinical: pd.DataFrame
    screens: tuple[Screen, ...] = ()
    rppa: pd.DataFrame | None = None
    told: tuple[str, ...] = ()


#: Column of GDSC's file -> unit, and whether a higher value is a more resistant line.
_GDSC: Final = {
    "LN_IC50": ("natural log of IC50 in micromolar", True),
    "AUC": ("area under the fitted dose-response curve, fraction 0-1 (1 = no effect)", True),
}
_CTRP_UNIT: Final = "area under the percent-viability curve over log2 concentration"
_PRISM_UNIT: Final = "area under the fitted dose-response curve, viability (1 = no effect)"
_CCLE_UNIT: Final = "activity area (sum of inhibition over 8 dose levels, 0-8)"


def read_gdsc(table: pd.DataFrame, file: str) -> Read:
    """GDSC1 or GDSC2 fitted responses: LN_IC50 and AUC.

    A compound that was screened under two identifiers becomes ``Name-identifier``.
    """
    sets = sorted(set(table["DATASET"].dropna())) if "DATASET" in table else []
    if len(sets) > 1:
        raise InputError(
            f"{file} holds several screens ({some(sets)}); import a file of each by itself"
        )
    prefix = sets[0].lower() if sets else "gdsc"
    lines = table.drop_duplicates("COSMIC_ID").set_index("COSMIC_ID")
    lines = lines.assign(name=lines["CELL_LINE_NAME"], apart=lines["SANGER_MODEL_ID"])
    names, shared = sample_names(lines)
    compounds = table[["DRUG_NAME", "DRUG_ID"]].drop_duplicates()
    several = set(compounds.loc[compounds["DRUG_NAME"].duplicated(keep=False), "DRUG_NAME"])
    drug = table["DRUG_NAME"].where(
        ~table["DRUG_NAME"].isin(several), table["DRUG_NAME"] + "-" + table["DRUG_ID"]
    )
    keys = pd.DataFrame({"line": table["COSMIC_ID"].map(names), "drug": drug})
    screens = []
    told = _told_of(shared)
    for column, (unit, resistant) in _GDSC.items():
        values, averaged = _matrix(keys, table[column], file, column)
        screens.append(Screen(f"{prefix}_{column.lower()}", unit, resistant, values))
        told += averaged
    if several:
        told.append(
            f"{len(several)} compound(s) under several identifiers are kept apart: "
            f"{some(sorted(several))}"
        )
    clinical = clinical_table(
        lines, names, SANGER_MODEL_ID=lines["SANGER_MODEL_ID"],
        COSMIC_ID=pd.Series(lines.index, index=lines.index), TCGA_CODE=lines["TCGA_DESC"],
    )  # fmt: skip
    return Read(f"{prefix.upper()} fitted responses", clinical, tuple(screens), told=tuple(told))


def read_ctrp(tables: Mapping[str, pd.DataFrame], folder: str) -> Read:
    """CTRPv2's areas under curves, joined to lines and compounds through its other tables."""
    experiments = tables["experiments"].drop_duplicates("experiment_id").set_index("experiment_id")
    own = tables["lines"].drop_duplicates("master_ccl_id").set_index("master_ccl_id")
    compounds = tables["compounds"].drop_duplicates("master_cpd_id").set_index("master_cpd_id")
    curves = tables["curves"]
    line = curves["experiment_id"].map(experiments["master_ccl_id"])
    drug = curves["master_cpd_id"].map(compounds["cpd_name"])
    known = line.isin(own.index) & drug.notna()
    told = []
    if lost := int((~known).sum()):
        told.append(f"{lost:,} curve(s) of a line or compound that no table names are left out")
    tissue = next((name for name in ("cancer_type", "ccle_primary_site") if name in own), None)
    sites = own[tissue] if tissue else pd.Series("", index=own.index, dtype="str")
    own = own.assign(name=own["ccl_name"], apart=sites.fillna(""))
    own = own.loc[own.index.isin(set(line[known]))]
    names, shared = sample_names(own)
    keys = pd.DataFrame({"line": line[known].map(names), "drug": drug[known]})
    values, averaged = _matrix(keys, curves.loc[known, "area_under_curve"], folder, "area")
    screen = Screen("ctrp2_auc", _CTRP_UNIT, True, values)
    clinical = clinical_table(own, names, LINEAGE=own["apart"].replace("", None))
    told = [*_told_of(shared), *told, *averaged]
    return Read("CTRPv2 areas under curves", clinical, (screen,), told=tuple(told))


def read_ccle_drugs(table: pd.DataFrame, file: str) -> Read:
    """CCLE's screen of 24 drugs: activity areas."""
    column = "CCLE Cell Line Name"
    lines = ccle_lines(pd.Index(table[column].drop_duplicates(), dtype="str"))
    names, shared = sample_names(lines)
    keys = pd.DataFrame({"line": table[column].map(names), "drug": table["Compound"]})
    values, averaged = _matrix(keys, table["ActArea"], file, "ActArea")
    screen = Screen("ccle24_actarea", _CCLE_UNIT, False, values)
    clinical = clinical_table(lines, names, LINEAGE=lines["apart"].str.lower())
    told = (*_told_of(shared), *averaged)
    return Read("CCLE's screen of 24 drugs", clinical, (screen,), told=told)


def read_prism(table: pd.DataFrame, file: str) -> Read:
    """PRISM's secondary screen (Corsello et al. 2020, DOI 10.1038/s43018-019-0018-6): AUC and IC50.

    Rows are curves; several of a line and compound, as of its screens, are averaged, and rows whose
    line failed its fingerprint are those that have no `depmap_id`.
    """
    own = table[table["depmap_id"].notna() & table["name"].notna()]
    models = own.drop_duplicates("depmap_id").set_index("depmap_id")
    ccle = models.get("ccle_name", pd.Series(index=models.index, dtype="str"))
    named = ccle.fillna(pd.Series(models.index, index=models.index))
    lines = ccle_lines(pd.Index(named, dtype="str")).set_axis(models.index)
    names, shared = sample_names(lines)
    keys = pd.DataFrame({"line": own["depmap_id"].map(names), "drug": own["name"]})
    values, averaged = _matrix(keys, own["auc"], file, "auc")
    screens = [Screen("prism_auc", _PRISM_UNIT, True, values)]
    told = [*_told_of(shared), *averaged]
    if lost := len(table) - len(own):
        told.append(f"{lost:,} row(s) without a line or compound are left out")
    if "ic50" in own and own["ic50"].notna().any():
        ic50, averaged = _matrix(keys, own["ic50"], file, "ic50", logarithm=True)
        screens.append(Screen("prism_ln_ic50", "natural log of IC50 in micromolar", True, ic50))
        told += averaged
    clinical = clinical_table(
        lines, names, DEPMAP_ID=pd.Series(models.index, index=models.index),
        LINEAGE=lines["apart"].str.lower().replace("", None),
    )  # fmt: skip
    return Read("PRISM's secondary screen", clinical, tuple(screens), told=tuple(told))


def _told_of(shared: list[str]) -> list[str]:
    if not shared:
        return []
    return [f"Lines whose name another one has keep what tells them apart: {some(shared)}"]


def _matrix(
    keys: pd.DataFrame, cells: pd.Series, file: str, column: str, *, logarithm: bool = False
) -> tuple[pd.DataFrame, list[str]]:
    """Lines x drugs of a long table, and what is to be told of it."""
    numbers = pd.to_numeric(cells, errors="coerce")
    broken = cells[numbers.isna() & cells.notna()]
    if len(broken):
        # Line 1 is the header, and the index counts from 0.
        raise InputError(
            f"{file}, line {int(broken.index[0]) + 2}, column {column}: {broken.iloc[0]!r} is no "
            "number; write NA where there is none"
        )
    if logarithm:
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(numbers.to_numpy(dtype=float))
        numbers = numbers.mask(numbers.notna(), np.where(np.isfinite(logs), logs, np.nan))
    frame = keys.assign(value=numbers).dropna()
    if frame.empty:
        raise InputError(f"{file} has no value in column {column}; import a whole file")
    several = int(frame.duplicated(["line", "drug"]).sum())
    values = frame.groupby(["line", "drug"], sort=True)["value"].mean().unstack("drug")
    told = [f"{column}: {several:,} repeated value(s) of a line and drug averaged"]
    return values, told if several else []
