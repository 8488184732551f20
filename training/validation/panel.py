"""Drugs, lines and responses that a retrain learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sidestep.features.builders.names import DRUG_GIVEN, features_of_genes, marker_features
from sidestep.features.builders.response_axes import features_of_targets
from sidestep.features.errors import InputError, some
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.study.responses import (
    BINARY,
    CONTINUOUS,
    Response,
    drug_columns,
    screen_of,
)
from sidestep.features.study.study import Study
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.training.validation.elsewhere import measured_elsewhere

PANELS = ("her2", "kinase", "all")
#: Every other screen of a study.
ALL = "all"
# Folds within folds still have several donors to learn from.
_FEWEST_DONORS = 5
#: The marker of a clinical response, which no drug table has: what HER2 drugs are given by.
_CLINICAL_MARKER = "ERBB2"


@dataclass(frozen=True)
class PanelDrug:
    """One drug to learn.

    Attributes
    ----------
    name : str
        Column of the response.
    genes : tuple of str
        Targets and their immediate partners; empty where the drug table does not know the drug.
    marker : str
        Gene of the single-marker baseline.
    kind : {"continuous", "binary"}
        Of the response.
    """

    name: str
    genes: tuple[str, ...]
    marker: str
    kind: str = CONTINUOUS

    def target_features(self, features: Sequence[str]) -> list[str]:
        """Features of the drug-target view.

        Where the features tell which drugs were given, those of these drugs' targets.
        """
        gates = self.gates(features)
        if gates:
            gated = {name for names in gates.values() for name in names}
            return [name for name in features if name in gated]
        return features_of_genes(features, self.genes)

    def gates(self, features: Sequence[str]) -> dict[str, list[str]]:
        """Feature that tells of a drug -> features of its targets and their partners."""
        found = {}
        for name in features:
            drug = find_drug(name.removeprefix(DRUG_GIVEN)) if name.startswith(DRUG_GIVEN) else None
            if drug is not None:
                genes = (*drug.targets, *drug.partners)
                found[name] = features_of_targets(features, genes)
        return found

    def marker_features(self, features: Sequence[str]) -> tuple[str, ...]:
        """Features of the marker, the first choice first; of patients also what reports it."""
        named = marker_features(self.marker)
        if self.kind == CONTINUOUS or not self.marker:
            return named
        reports = features_of_targets(features, [self.marker])
        signatures = [name for name in reports if name.startswith("signature:")]
        return (*named, *signatures)


@dataclass(frozen=True)
class Panel:
    """Drugs, lines and responses of a retrain.

    Attributes
    ----------
    drugs : tuple of PanelDrug
    response : Response
    values : DataFrame of shape (n_lines, n_drugs)
        Responses of the lines that have at least one, NaN where not tested.
    skipped : mapping of str to str
        Drugs of the panel that were left out, and why.
    elsewhere : mapping of str to DataFrame
        Drug -> what other screens measured, lines x screens; lines that none but those tested are
        among `values`, without a response.
    errors : DataFrame of shape (n_lines, n_drugs), optional
        Standard errors of `values`, which weigh the training lines; None gives all the same weight.
    """

    drugs: tuple[PanelDrug, ...]
    response: Response
    values: pd.DataFrame
    skipped: dict[str, str]
    elsewhere: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    errors: pd.DataFrame | None = None

    def among(self, lines: pd.Index) -> Panel:
        """The same drugs on some of the lines; lines without any response are left out."""
        return replace(self, values=self.values.loc[self.values.index.isin(lines)])

    def unweighted(self) -> Panel:
        """The same, all training lines of the same weight."""
        return replace(self, errors=None)

    def errors_of(self, drug: str, lines: pd.Index) -> np.ndarray | None:
        """Standard errors of the responses of some lines to a drug; None where none is known."""
        if self.errors is None:
            return None
        errors = self.errors[drug].reindex(lines).to_numpy(float)
        return errors if np.isfinite(errors).any() else None


def find_response(
    study: Study, name: str | None = None, responders: Sequence[str] = ()
) -> Response:
    """Response of a study by name, or its only one.

    Parameters
    ----------
    study : Study
    name : str, optional
        stable_id, metric, or an unambiguous part of either; or a clinical attribute.
    responders : sequence of str
        Words of a clinical attribute that mean response.

    Raises
    ------
    InputError
        If none or several fit, or if without a name the study has none or several.
    """
    if name is not None:
        return study.response(name, responders)
    if responders:
        raise InputError(
            "--responder groups the words of a clinical attribute; name it with --response"
        )
    files = study.response_files
    if len(files) == 1:
        return study.response(next(iter(files)))
    where = study.path or study.study_id
    if not files:
        raise InputError(
            f"study {where} has no drug response to learn; add a data_treatment_….txt with its "
            "meta file"
        )
    choices = ", ".join(f"{stable_id} ({file.metric})" for stable_id, file in files.items())
    raise InputError(f"study {where} has several responses; choose one with --response: {choices}")


def choose_panel(
    study: Study,
    response: Response,
    *,
    drugs: Sequence[str] | None,
    panel: str,
    min_lines: int,
    also: Sequence[Response] = (),
) -> Panel:
    """Choose drugs by name, or all of a panel that the response holds.

    Parameters
    ----------
    study : Study
    response : Response
    drugs : sequence of str, optional
        Names or synonyms, regardless of case and punctuation.
    panel : {"her2", "kinase", "all"}
        Used where `drugs` is not given; ``all`` is every drug of the response.
    min_lines : int
        A drug tested on fewer lines with molecular data is refused if named, else skipped; so is
        one whose lines are of fewer than five donors or have fewer than three different responses,
        or fewer than eight samples of either outcome of a binary one.
    also : sequence of Response
        Other screens, whose values of lines that `response` has not help to learn.

    Raises
    ------
    InputError
        If a named drug is unknown or cannot be learned, or if no drug is left.
    """
    usable = study.samples[_has_molecular_data(study).to_numpy()]
    values = response.values.reindex(usable)
    columns = [str(name) for name in values.columns]
    if drugs is not None:
        chosen = drug_columns(drugs, columns, f"response {response.stable_id}")
    else:
        # An outcome is no drug: a response of 0 and 1 that names none is learned whole.
        outcome = response.grouping or all(find_drug(name) is None for name in columns)
        everything = "all" if response.event and outcome else panel
        chosen = [name for name in columns if _in_panel(name, everything)]
    lacks = {
        name: _lack(values[name].dropna(), study.donors, min_lines, response.kind)
        for name in chosen
    }
    skipped = {name: lack for name, lack in lacks.items() if lack is not None}
    if drugs is not None and skipped:
        name, lack = next(iter(skipped.items()))
        lower = " or lower --min-lines" if values[name].count() < min_lines else ""
        raise InputError(
            f"{name} has {lack}, among lines with a response in {response.stable_id} and "
            f"molecular data; leave it out{lower}"
        )
    kept = [name for name in chosen if name not in skipped]
    if lacks and not kept and response.event:
        lack = next(iter(lacks.values())) or ""
        raise InputError(
            f"{response.stable_id} has {lack.replace('lines', 'samples')}, among those with an "
            "outcome and molecular data; give more patients, or lower --min-lines"
        )
    if not kept:
        raise InputError(
            f"no drug of panel {panel} has {min_lines} lines with different responses in "
            f"{response.stable_id}; name drugs with --drugs or lower --min-lines"
        )
    elsewhere = {}
    for name in kept:
        measured = measured_elsewhere(name, response, also)
        if measured is not None:
            elsewhere[name] = measured.loc[measured.index.isin(usable)]
    if also and not elsewhere:
        raise InputError(
            f"--also names {some([other.stable_id for other in also])}, which have none of the "
            f"drugs {some(kept)}; leave it out"
        )
    tested = values[kept].notna().any(axis=1)
    for measured in elsewhere.values():
        tested |= tested.index.isin(measured.index)
    values = values.loc[tested, kept]
    errors = None if response.errors is None else response.errors.reindex_like(values)
    learned = tuple(_panel_drug(name, response.kind) for name in kept)
    return Panel(learned, response, values, skipped, elsewhere, errors)


def find_others(study: Study, response: Response, names: Sequence[str]) -> list[Response]:
    """Responses of a study that other screens hold, by name; `ALL` is every other screen.

    A screen is told by the first word of its responses' identifiers, so that ``gdsc2_auc`` is no
    other screen than ``gdsc2_ln_ic50``. Of `ALL`, a screen's first response with a direction.

    Raises
    ------
    InputError
        If one is unknown, the response itself, or named twice.
    """
    if tuple(names) == (ALL,):
        return _every_other(study, response)
    found = [study.response(name) for name in names]
    ids = [response.stable_id, *(other.stable_id for other in found)]
    twice = [name for place, name in enumerate(ids) if name in ids[:place]]
    if twice:
        raise InputError(
            f"--also names {twice[0]}, which is the response to learn or is named twice; name "
            "other screens, each once"
        )
    return found


def _every_other(study: Study, response: Response) -> list[Response]:
    """The first response with a direction of every other screen of a study."""
    found: dict[str, Response] = {screen_of(response.stable_id): response}
    for stable_id, file in study.response_files.items():
        screen = screen_of(stable_id)
        if screen not in found and file.higher_is_resistant is not None:
            found[screen] = study.response(stable_id)
    return list(found.values())[1:]


def _lack(tested: pd.Series, donors: pd.Series, min_lines: int, kind: str) -> str | None:
    """What the responses to a drug have too few of to learn from; None if nothing."""
    if len(tested) < min_lines:
        return f"{len(tested)} lines, fewer than {min_lines}"
    n_donors = donors.loc[tested.index].nunique()
    if n_donors < _FEWEST_DONORS:
        return f"lines of {n_donors} donors, fewer than {_FEWEST_DONORS}"
    return outcome_of(kind).lack(tested.to_numpy(float))


def _has_molecular_data(study: Study) -> pd.Series:
    known = pd.Series(False, index=study.samples)
    for modality, samples in study.profiled().items():
        if modality != "clinical":
            known |= pd.Series(np.isin(study.samples, samples), index=study.samples)
    return known


def _in_panel(name: str, panel: str) -> bool:
    if panel == "all":
        return True
    drug = find_drug(name)
    return drug is not None and panel in drug.panels


def _panel_drug(name: str, kind: str) -> PanelDrug:
    drug = find_drug(name)
    if drug is None:
        return PanelDrug(name, (), _CLINICAL_MARKER if kind == BINARY else "", kind)
    return PanelDrug(name, (*drug.targets, *drug.partners), drug.marker, kind)
