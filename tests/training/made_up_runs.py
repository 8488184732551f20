"""Runs and registered versions without training: predictions are what was observed plus noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from sidestep.training.tracking.lifecycle import champion_of
from sidestep.training.tracking.registration import Registration, register
from sidestep.training.tracking.store import Store
from sidestep.training.validation.gate import Verdict

DRUGS = ("Lapatinib", "BI-2536", "Everolimus")


def predictions(
    noise: float, seed: int, *, lines: int = 60, drugs: tuple[str, ...] = DRUGS, folds: int = 5
) -> pd.DataFrame:
    """Out-of-fold predictions: what was observed plus noise. Some donors have two lines."""
    observed = np.random.default_rng(99).standard_normal((len(DRUGS), 200))
    rng = np.random.default_rng(seed)
    tables = []
    for row, drug in enumerate(drugs):
        y = observed[row, :lines]
        number = np.arange(lines)
        tables.append(
            pd.DataFrame(
                {
                    "drug": drug,
                    "sample_id": [f"L{line}" for line in number],
                    "donor": [f"D{line - line % 3 // 2}" for line in number],
                    "repeat": 0,
                    "fold": number // 3 % folds,
                    "observed": y,
                    "train_mean": y.mean(),
                    "blend": y + noise * rng.standard_normal(lines),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


@dataclass(frozen=True)
class Tiny:
    """Registers versions of one model from fabricated runs: what was observed plus noise."""

    store: Store
    folder: Path
    name: str

    @property
    def client(self) -> MlflowClient:
        return self.store.client

    def register(
        self,
        noise: float = 1.0,
        *,
        seed: int = 1,
        more_noise: float = 0.0,
        more_seed: int = 0,
        lines: int = 60,
        drugs: tuple[str, ...] = ("Lapatinib", "BI-2536"),
        passes: bool = True,
        study: str = "breast_sim",
        response: str = "sim_gi50",
    ) -> Registration:
        """Register a version; the first lines of the same seed and noise are predicted alike."""
        tables = []
        for drug in drugs:
            y = np.random.default_rng(len(drug)).standard_normal(200)[:lines]
            names = [f"L{line}" for line in range(lines)]
            rng = np.random.default_rng([seed, len(drug)])
            blend = y + noise * rng.standard_normal(200)[:lines]
            rng = np.random.default_rng([more_seed, len(drug)])
            blend += more_noise * rng.standard_normal(200)[:lines]
            columns = {"drug": drug, "sample_id": names, "donor": names, "observed": y}
            more = {"repeat": 0, "fold": np.arange(lines) % 5, "train_mean": 0.0, "blend": blend}
            tables.append(pd.DataFrame({**columns, **more}))
        client, experiment = self.client, self.store.experiment_id
        tags = {"study": study, "response": response}
        run_id = client.create_run(experiment, tags=tags).info.run_id
        path = self.folder / "out_of_fold.parquet"
        pd.concat(tables).to_parquet(path, index=False)
        client.log_artifact(run_id, str(path))
        return register(
            client,
            name=self.name,
            model_id=client.create_logged_model(experiment, "model").model_id,
            run_id=run_id,
            verdict=Verdict(passes, "mean r 0.1 against 0.2", {}),
            tags=tags,
            description="",
        )

    def champion(self) -> str | None:
        return champion_of(self.client, self.name)

    def previous(self) -> str | None:
        version = self.client.get_registered_model(self.name).aliases.get("previous")
        return None if version is None else str(version)
