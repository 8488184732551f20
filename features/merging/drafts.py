"""What are the files of a study that is in memory? Those of a cBioPortal folder, as it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings
from sidestep.features.files.study_writer import (
    CaseList,
    DataFile,
    GenePanel,
    StudyDraft,
    clinical_file,
    profile_lines,
)
from sidestep.features.merging.merge import Merged
from sidestep.features.study.responses import (
    ERRORS,
    OF_ERRORS,
    RESPONSES,
    ResponseFile,
    held_in_memory,
    read_values,
)
from sidestep.features.study.signatures import signature_file
from sidestep.features.study.study import Study

#: Significant digits: more than public studies give.
_DIGITS: Final = 8
_Z_SCORE, _DISCRETE = "z-score", "discrete"
#: What a panel matrix says of a sample whose every gene was looked at.
_WHOLE: Final = "WES"


def study_draft(
    study: Study, description: str, notes: Mapping[str, pd.DataFrame] | None = None
) -> StudyDraft:
    """The files of a study.

    Parameters
    ----------
    study : Study
    description : str
        What ``meta_study.txt`` says of it.
    notes : mapping of str to DataFrame, optional
        Further tables, which readers of the format pass over.

    Returns
    -------
    StudyDraft
        Levels are written as they were read: log2, or z-scores.
    """
    files = [_clinical(study)]
    if study.expression is not None:
        files.append(_expression(study, study.expression))
    if study.rppa is not None:
        files.append(_rppa(study, study.rppa))
    if study.copy_number is not None:
        files.append(_copy_number(study, study.copy_number))
    if study.signatures is not None:
        scored = study.signatures_kind == _Z_SCORE
        words = "Standardised scores" if scored else "Scores"
        said = ("Expression signatures", f"{words}, as they were read.")
        files.append(signature_file(study.signatures, *said, digits=_DIGITS))
    if study.sequenced is not None:
        files += _mutations(study)
    if study.fusions is not None:
        files.append(_fusions(study.fusions))
    files += _responses(study)
    info = {
        "type_of_cancer": "mixed",
        "cancer_study_identifier": study.study_id,
        "name": study.name,
        "description": description,
    }
    if study.simulated:
        info["simulated"] = "true"
    panels = [
        GenePanel(panel, f"Genes covered by {panel}", sorted(genes))
        for panel, genes in study.panels.items()
    ]
    return StudyDraft(info, files, _case_lists(study), panels, dict(notes or {}))


def merged_draft(merged: Merged) -> StudyDraft:
    """The files of a merged study, with who is who, what contradicts and what was done beside."""
    of = ", ".join(dict.fromkeys(merged.samples["study"]))
    return study_draft(
        merged.study,
        f"Merged by sidestep data merge from {of}.",
        {
            "merge/samples.tsv": merged.samples,
            "merge/conflicts.tsv": merged.conflicts,
            "merge/account.tsv": pd.DataFrame({"account": merged.told}),
            **{f"merge/{name}.tsv": table for name, table in merged.words.items()},
        },
    )


def _clinical(study: Study) -> DataFile:
    table = study.clinical.copy()
    table.insert(0, "PATIENT_ID", study.donors.loc[study.samples].to_numpy())
    return clinical_file(table.set_axis(study.samples))


def _gene_rows(values: pd.DataFrame, entrez: pd.Series) -> pd.DataFrame:
    table = values.T
    genes = table.index
    table.insert(0, "Entrez_Gene_Id", entrez.reindex(genes).astype("Int64").to_numpy())
    table.insert(0, "Hugo_Symbol", genes)
    return table


def _expression(study: Study, values: pd.DataFrame) -> DataFile:
    scored = study.expression_kind == _Z_SCORE
    meta = profile_lines(
        "MRNA_EXPRESSION",
        "Z-SCORE" if scored else "CONTINUOUS",
        "mrna_zscores" if scored else "rna_seq_mrna",
        "mRNA expression (z-scores)" if scored else "mRNA expression (log2)",
        "z-scores, as they were read." if scored else "log2 levels, as they were read.",
    )
    return DataFile("mrna", _gene_rows(values, study.entrez), meta, digits=_DIGITS)


def _rppa(study: Study, values: pd.DataFrame) -> DataFile:
    table = values.T
    rows = study.antibodies.loc[table.index]
    single = ~rows["source"].str.contains(";", regex=False)
    # Several rows of a file may have become one antibody: it then goes by its own name.
    composed = rows["genes"].fillna("") + "|" + rows.index
    table.insert(0, "Composite.Element.REF", rows["source"].where(single, composed).to_numpy())
    scored = study.rppa_kind == _Z_SCORE
    meta = profile_lines(
        "PROTEIN_LEVEL",
        "Z-SCORE" if scored else "LOG2-VALUE",
        "rppa_Zscores" if scored else "rppa",
        "Protein levels (z-scores)" if scored else "Protein levels (log2)",
        "As they were read.",
    )
    return DataFile("rppa", table, meta, digits=_DIGITS)


def _copy_number(study: Study, values: pd.DataFrame) -> DataFile:
    discrete = study.copy_number_kind == _DISCRETE
    meta = profile_lines(
        "COPY_NUMBER_ALTERATION",
        "DISCRETE" if discrete else "LOG2-VALUE",
        "gistic" if discrete else "log2CNA",
        "Copy-number calls" if discrete else "log2 copy number",
        "Calls from -2 to 2." if discrete else "log2 ratio, 0 = diploid.",
    )
    name = "cna" if discrete else "log2_cna"
    return DataFile(name, _gene_rows(values, study.entrez), meta, digits=_DIGITS)


def _mutations(study: Study) -> list[DataFile]:
    calls = study.mutations
    empty = pd.DataFrame(columns=["gene", "sample_id", "classification", "protein_change"])
    table = (empty if calls is None else calls).rename(
        columns={
            "gene": "Hugo_Symbol",
            "sample_id": "Tumor_Sample_Barcode",
            "classification": "Variant_Classification",
            "protein_change": "HGVSp_Short",
        }
    )
    genes = pd.Series(study.entrez.reindex(table["Hugo_Symbol"]).to_numpy(), index=table.index)
    table.insert(1, "Entrez_Gene_Id", genes.astype("Int64"))
    again = table.groupby(list(table.columns), dropna=False, sort=False).cumcount()
    if again.any():
        # Rows that are the same cell by cell count once: these are calls that differed where
        # Sidestep does not look.
        table = table.assign(Call=again + 1)
    meta = profile_lines("MUTATION_EXTENDED", "MAF", "mutations", "Mutations", "As they were read.")
    files = [DataFile("mutations", table, meta | {"show_profile_in_analysis_tab": "true"})]
    if study.panels:
        matrix = study.panel_of.fillna(_WHOLE)
        files.append(
            DataFile(
                "gene_panel_matrix",
                pd.DataFrame({"SAMPLE_ID": matrix.index, "mutations": matrix.to_numpy()}),
                {"genetic_alteration_type": "GENE_PANEL_MATRIX", "datatype": "GENE_PANEL_MATRIX"},
            )
        )
    return files


def _fusions(fusions: pd.DataFrame) -> DataFile:
    table = fusions.rename(
        columns={
            "sample_id": "Sample_Id",
            "gene_a": "Site1_Hugo_Symbol",
            "gene_b": "Site2_Hugo_Symbol",
        }
    )
    meta = profile_lines(
        "STRUCTURAL_VARIANT", "SV", "structural_variants", "Structural variants",
        "As they were read.",
    )  # fmt: skip
    return DataFile("sv", table, meta | {"show_profile_in_analysis_tab": "true"})


def _responses(study: Study) -> list[DataFile]:
    files = list(study.response_files.values())
    metrics = Counter(file.metric.casefold() for file in files)
    named = [
        (file, file.metric if metrics[file.metric.casefold()] == 1 else file.stable_id)
        for file in files
    ]
    written = [_response(file, read_values(file, Findings()), metric) for file, metric in named]
    for file, metric in named:
        errors = held_in_memory(file).errors
        if errors is not None and errors.held is not None:
            written.append(_errors(file, errors.held, metric))
    return written


def _response(file: ResponseFile, values: pd.DataFrame, metric: str) -> DataFile:
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": RESPONSES,
        "datatype": "LIMIT-VALUE",
        "stable_id": file.stable_id,
        "profile_name": file.profile_name,
        "profile_description": file.description,
        "show_profile_in_analysis_tab": "true",
        "pivot_threshold_value": f"{np.nanmedian(values.to_numpy()):.5g}",
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }
    if file.higher_is_resistant is not None:
        meta["value_sort_order"] = "ASC" if file.higher_is_resistant else "DESC"
    return DataFile(f"treatment_{metric}", _by_drug(values), meta, digits=_DIGITS)


def _errors(file: ResponseFile, errors: pd.DataFrame, metric: str) -> DataFile:
    """Standard errors of a response, under the name that ties them to it."""
    meta = {
        "genetic_alteration_type": "GENERIC_ASSAY",
        "generic_assay_type": ERRORS,
        "datatype": "LIMIT-VALUE",
        "stable_id": f"{file.stable_id}{OF_ERRORS}",
        "profile_name": f"Standard errors of {file.profile_name}",
        "profile_description": f"Standard errors of {file.stable_id}, in its unit.",
        "show_profile_in_analysis_tab": "false",
        "generic_entity_meta_properties": "NAME,DESCRIPTION,URL",
    }
    return DataFile(f"treatment_{metric}{OF_ERRORS}", _by_drug(errors), meta, digits=_DIGITS)


def _by_drug(values: pd.DataFrame) -> pd.DataFrame:
    """Samples x drugs as a table of drugs x samples, as a study has it."""
    table = values.T
    drugs = table.index
    for place, column in enumerate(("ENTITY_STABLE_ID", "NAME", "DESCRIPTION")):
        table.insert(place, column, drugs)
    table.insert(3, "URL", "NA")
    return table


def _case_lists(study: Study) -> list[CaseList]:
    lists = [
        CaseList("all", "all", "All samples", "all_cases_in_study", list(study.samples)),
    ]
    if study.sequenced is not None:
        lists.append(
            CaseList(
                "sequenced", "sequenced", "Samples sequenced", "all_cases_with_mutation_data",
                list(study.sequenced),
            )
        )  # fmt: skip
    return lists
