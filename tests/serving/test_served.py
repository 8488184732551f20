"""The served model: measurements in, and out the rows of a score folder."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from sidestep.features.errors import InputError
from sidestep.features.study.measurements import COLUMNS, measurements_of
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel
from sidestep.models.score_columns import SCORES
from sidestep.serving.evidence.databases import NO_KNOWLEDGE
from sidestep.serving.job import Job
from sidestep.serving.memory import score_in_memory
from sidestep.serving.scoring.options import DEFAULT_OPTIONS
from sidestep.serving.served import ServedModel, _load_pyfunc
from tests.serving.conftest import DRUGS


def scored(model: LoadedModel, study: Study) -> pd.DataFrame:
    """Scores of a study as the Python interface has them."""
    job = Job.of(study, model, None, DEFAULT_OPTIONS, NO_KNOWLEDGE)
    return score_in_memory(job).tables["scores"].to_pandas()


def same(served: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Check that all numbers and words are the same, to the last bit."""
    pd.testing.assert_frame_equal(
        pd.DataFrame(served.to_numpy(object, na_value=None), columns=served.columns),
        pd.DataFrame(expected.to_numpy(object, na_value=None), columns=expected.columns),
    )


@pytest.fixture(scope="module")
def some(cohort: Study) -> Study:
    """Six tumours, of which some lack a modality."""
    return cohort.select(list(cohort.samples[:6]))


def wide(table: pd.DataFrame) -> pd.DataFrame:
    """A long table as a wide one, with a mutation's detail as its cell."""
    levels = table[table["modality"].isin(["expression", "rppa", "copy_number"])]
    texts = table[~table["modality"].isin(levels["modality"])]
    cells = [
        levels.assign(cell=levels["value"].astype(object)),
        texts.assign(cell=texts["detail"].fillna("1").astype(object)),
    ]
    rows = pd.concat(cells)
    rows["column"] = rows["modality"].astype(str) + ":" + rows["feature"].astype(str)
    several = rows.groupby(["sample_id", "column"], sort=False)["cell"]
    joined = several.agg(lambda cell: ";".join(cell) if len(cell) > 1 else cell.iloc[0])
    return joined.unstack().reindex(table["sample_id"].unique()).reset_index()


@pytest.mark.slow
def test_a_sample_alone_in_its_cohort_and_by_the_python_interface(model, some):
    served = ServedModel(model)
    expected = scored(model, some)
    table = measurements_of(some)
    whole = served.predict(table)
    assert list(whole.columns) == SCORES.names
    same(whole, expected)
    for sample in some.samples[:2]:
        alone = served.predict(table[table["sample_id"] == sample])
        same(alone, expected[expected["sample_id"] == sample])
    order = list(some.samples[::-1])
    shuffled = pd.concat([table[table["sample_id"] == sample] for sample in order])
    assert list(served.predict(shuffled)["sample_id"].unique()) == order


@pytest.mark.slow
def test_training_lines_are_answered_by_the_fold_that_has_not_seen_them(model, simulated):
    breast = read_study(simulated / "breast_sim")
    lines = breast.select(list(breast.samples[:4]))
    answers = ServedModel(model).predict(measurements_of(lines))
    assert answers["reasons"].str.contains("IN_TRAINING").all()
    same(answers, scored(model, lines))


@pytest.mark.slow
def test_wide_rows_and_integers_say_the_same(model, some):
    served = ServedModel(model)
    table = measurements_of(some)
    same(served.predict(wide(table)), served.predict(table))
    rounded = table.assign(value=table["value"].round())
    whole = rounded.assign(value=rounded["value"].astype("Int64"))
    same(served.predict(whole), served.predict(rounded))


@pytest.mark.slow
def test_linear_expression_is_logged_as_in_a_folder(model, some):
    served = ServedModel(model)
    levels = measurements_of(some.select(list(some.samples[:1])))
    levels = levels[levels["modality"] == "expression"].copy()
    levels["value"] = levels["value"].clip(lower=0.0)
    linear = levels.assign(value=np.exp2(levels["value"]) - 1)
    logged, again = served.predict(levels), served.predict(linear)
    np.testing.assert_allclose(
        again["prediction"].astype(float), logged["prediction"].astype(float), rtol=1e-6
    )


@pytest.mark.slow
def test_the_value_of_a_mutation_row_counts(model, some):
    served = ServedModel(model)
    table = measurements_of(some.select(list(some.samples[:1])))
    others = table[table["modality"] != "mutation"]
    call = ("PIK3CA", 1, "Missense_Mutation p.H1047R")

    def with_calls(*calls):
        rows = [(some.samples[0], "mutation", *each) for each in calls]
        return served.predict(pd.concat([others, pd.DataFrame(rows, columns=list(COLUMNS))]))

    none = with_calls(("(sequenced)", None, None))
    same(with_calls(("PIK3CA", 0, None)), none)
    mutated = with_calls(call)
    assert not mutated["contribution_mutation"].equals(none["contribution_mutation"])
    same(with_calls(("PIK3CA", 1, "H1047R")), mutated)


@pytest.mark.slow
def test_a_sample_without_a_usable_modality_is_told(model, some):
    table = pd.concat(
        [
            measurements_of(some),
            pd.DataFrame([("bare", "clinical", "AGE", None, "50")], columns=list(COLUMNS)),
        ]
    )
    answers = ServedModel(model).predict(table)
    bare = answers[answers["sample_id"] == "bare"]
    assert list(bare["drug"]) == list(DRUGS)
    assert bare["prediction"].isna().all()
    assert set(bare["call"]) == {"abstain"}
    assert set(bare["reasons"]) == {"NOT_PREDICTED"}
    records = json.dumps(answers.to_dict(orient="records"), allow_nan=False)
    assert "null" in records


def rows(*values: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(values, columns=list(COLUMNS))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows().drop(columns="modality"), "measurements lack column modality"),
        (rows(("A", "expression", "ERBB2", np.inf, None)), "ERBB2: inf is not a number from -1e"),
        (rows(("A", "rppa", "HER2", 1e308, None)), "1e.308 is not a number from -1e"),
        (rows((None, "expression", "ERBB2", 1.0, None)), "row 1 has no sample_id; give it one"),
        (rows(("A", None, "ERBB2", 1.0, None)), "row 1 has no modality"),
        (rows(("A", "expression", " ", 1.0, None)), "row 1 has no feature"),
        (rows(("A", "mutation", "TP53", 0.5, None)), "TP53 of sample A the value 0.5; give 1"),
        (rows(("A", "mutation", "TP53", 1, "Frobbed")), "detail 'Frobbed', which names no effect"),
        (rows(("A", "mutation", "TP53", 1, None)), "detail '', which names no effect"),
        (
            pd.DataFrame({"sample_id": ["A", "A"], "expression:ERBB2": [1.0, 2.0]}),
            "give sample A in several rows",
        ),
        (
            pd.DataFrame({"sample_id": ["A"], "expression:ERBB2": [1.0], "ESR1": [2.0]}),
            "have column ESR1; begin its name with one of expression:",
        ),
        (
            pd.DataFrame({"sample_id": ["A"], "rppa:HER2": [1.0], "rppa:ERBB2|HER2": [2.0]}),
            "give rppa ERBB2 in more than one column",
        ),
        (np.zeros((2, 2)), "measurements are a ndarray; give a table"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(model, table, message):
    with pytest.raises(InputError, match=message.replace("|", r"\|")) as refused:
        ServedModel(model).predict(table)
    assert isinstance(refused.value, MlflowException)
    assert refused.value.get_http_status_code() == 400


@pytest.mark.slow
def test_the_entry_point_loads_a_saved_model(model, saved_model, some, tmp_path):
    table = measurements_of(some.select(list(some.samples[:1])))
    loaded = _load_pyfunc(str(saved_model))
    assert loaded.model.digest == model.digest
    same(loaded.predict(table), ServedModel(model).predict(table))
    fetched = tmp_path / "fetched" / "data" / "predictor"
    fetched.parent.mkdir(parents=True)
    fetched.symlink_to(saved_model)
    note = "model_name: her2\nmodel_version: '3'\n"
    (tmp_path / "fetched" / "registered_model_meta").write_text(note, encoding="utf-8")
    registered = _load_pyfunc(str(fetched)).model
    assert (registered.name, registered.version) == ("her2", "3")
