"""What learns: estimators of drug response, their exact explanations, and the saved predictor.

Rooms from the ground up: `treeshap` explains boosted trees from tables, `engines` do independent
tasks in processes or on a cluster, `estimators` learn one drug's response, `reliability` says how
sure a prediction is, `predictor` holds a panel of drugs and is what is saved, and `registry` finds
and checks saved models; `score_columns` says what columns its answers have. It imports `features`
alone, and holds classes only: weights live in the MLflow registry.
"""
