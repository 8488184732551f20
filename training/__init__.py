"""Training: how we know that a model works.

`retrain` learns a panel of drugs from a study and judges it; `train` keeps that in MLflow, which
is the deed of `sidestep train`. The rooms below: `validation` splits, searches, tests and judges,
`survival` screens genes against follow-up, `reports` has what a person reads, `tracking` the runs
and registered versions, and `cli` the verbs.
"""
