"""What learns? Estimators, baselines, the blend and the saved predictor."""
