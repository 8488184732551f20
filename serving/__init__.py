"""What the user gets: scores, explanations, evidence, partners and reports.

`job` scores a study into a folder, `memory` without one, and `served` answers through MLflow;
`cohorts` makes a cohort of tumours that others are answered among, and `as_study` writes scores as
a study of cBioPortal. `source` finds the study and the model of scores, `manifest` records with
what they were made. `scoring` has what the model predicts, `evidence` what the literature knows;
`explain`, `combinations` and `report` build on both, in the plain words of `words`. `disk` has
score folders as files, and `cli` the verbs.
"""
