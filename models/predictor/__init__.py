"""The saved predictor: frozen features and one explained model a drug.

`predictor.PanelPredictor` holds all that scoring needs; `storage` writes it as JSON and one file of
arrays, and reads it without running code, once `schema` has found its parts sound. `references` and
`gene_sets` keep where the training lines lie, to compare samples with, and `her2` which samples
count as HER2-high; `line_groups` says whose errors make an interval; `cohort`, in files of
`cohort_files`, keeps where tumours lie.
"""

__all__ = [
    "cohort",
    "cohort_files",
    "drug_model",
    "gene_sets",
    "her2",
    "known_lines",
    "line_groups",
    "marker",
    "predictor",
    "references",
    "schema",
    "shap_values",
    "shift_account",
    "storage",
]
