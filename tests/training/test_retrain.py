"""What of a retrain goes into the model, and what does not?"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.load import digest_of
from sidestep.training.retrain import Request, retrain
from sidestep.training.validation.cross_validation import Plan


@pytest.mark.slow
def test_the_number_of_processes_changes_no_byte_of_the_model(
    simulated_study: Path, tmp_path: Path
) -> None:
    digests, predictions = set(), []
    for jobs in (1, 2):
        plan = Plan(folds=2, repeats=1, trials=0, jobs=jobs, modalities=("rppa",))
        made = retrain(Request(simulated_study, "gi50", ("Lapatinib",), plan=plan))
        assert made.predictor.training["plan"]["seed"] == plan.seed
        save_predictor(made.predictor, tmp_path / str(jobs))
        digests.add(digest_of(tmp_path / str(jobs)))
        predictions.append(made.validation.predictions)
    assert len(digests) == 1
    pd.testing.assert_frame_equal(*predictions, check_exact=True)
