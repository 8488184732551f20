"""What the saved state of a predictor must be, part by part; sub-models are looked at when made.

It is checked before anything is made of it: sizes that go together, places that exist, names that
follow from each other, numbers that are finite. A part that it does not name is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sidestep.features.builders.names import BURDEN, MODALITIES, REGIMEN
from sidestep.features.mechanisms.builder import state_names
from sidestep.features.mechanisms.signatures import BYPASS
from sidestep.features.study.responses import BINARY, CONTINUOUS
from sidestep.models.estimators.outcomes import outcome_of
from sidestep.models.estimators.patterns import pattern_named
from sidestep.models.reliability.sample_scale import SUMMARIES
from sidestep.models.saved import (
    Check,
    array,
    counts,
    flag,
    mapping,
    number,
    record,
    require,
    require_among,
    require_same,
    sequence,
    settings,
    text,
    texts,
    whole,
)

State = Mapping[str, Any]
#: Deviations divide levels.
_LEAST_SD = 1e-30
_MOST_FOLDS = 1000
_MOST_COUNT = 2**62


def _maybe(part: Check) -> Check:
    """Check for a part that may be None."""

    def check(value: Any, where: str, sizes: dict[str, int]) -> None:
        if value is not None:
            part(value, where, sizes)

    return check


_SETTINGS_ONLY = record(parameters=settings)
_GENES = {"genes_": texts("genes"), "entrez_": counts(0, _MOST_COUNT)}
_BUILDERS: Mapping[str, Check] = {
    "expression": record(
        z_scores_=flag,
        **_GENES,
        feature_names_=texts(),
        quantiles_=array("f8", "genes", "quantiles"),
        mean_=array("f8", "genes"),
        sd_=array("f8", "genes", low=_LEAST_SD),
    ),
    "rppa": record(
        z_scores_=flag,
        antibodies_=texts(),
        ratios_=texts(),
        feature_names_=texts("levels"),
        mean_=array("f8", "levels"),
        sd_=array("f8", "levels", low=_LEAST_SD),
    ),
    "mutation": record(panel_=texts(), hotspots_=texts(), feature_names_=texts()),
    "copy_number": record(**_GENES, feature_names_=texts()),
    "signature": record(
        signatures_=texts("signatures"),
        feature_names_=texts(),
        mean_=array("f8", "signatures"),
        sd_=array("f8", "signatures", low=_LEAST_SD),
        computed_=flag,
        standard_=flag,
        published_=record(
            anchors=texts("anchors"),
            genes=texts("genes"),
            mean=array("f8", "genes"),
            sd=array("f8", "genes", low=_LEAST_SD),
            members=mapping(record(plus=texts(), minus=texts())),
            sizes=array("i8", "published", low=1),
            spread=array("f8", "published", low=_LEAST_SD),
        ),
    ),
    "clinical": record(feature_names_=texts()),
    REGIMEN: record(
        regimens_=texts(),
        drugs_=texts(),
        feature_names_=texts(),
        given_=mapping(mapping(texts())),
        counts_=mapping(mapping(whole(0, _MOST_COUNT))),
    ),
}
_RNA = record(
    z_scores_=flag,
    **_GENES,
    signature_genes_=mapping(record(up=texts(), down=texts())),
    bypass_genes_=texts(),
    level_genes_=texts("levels"),
    level_mean_=array("f8", "levels"),
    level_sd_=array("f8", "levels", low=_LEAST_SD),
    feature_names_=texts(),
)
_PROTEIN = record(
    antibodies_=mapping(texts()),
    median_=array("f8", "antibodies"),
    sd_=array("f8", "antibodies", low=_LEAST_SD),
    members_=mapping(record(plus=texts(), minus=texts())),
    feature_names_=texts(),
)


def _any_lines(value: Any, where: str, sizes: dict[str, int]) -> None:
    """Check for summaries of the lines that have a modality, however many these are."""
    array("f8", "scaled", len(SUMMARIES))(value, where, {})


_MECHANISMS = record(
    builder=record(
        feature_names=texts("mechanisms"), copies=array("f8", 2), parts=mapping(_SETTINGS_ONLY)
    ),
    lines=array("f4", "lines", "mechanisms", gaps=True),
    levels=array("f4", "lines", "mechanism_levels", gaps=True),
    scales=mapping(record(features=texts(), kind=text(), lines=_any_lines), most=len(MODALITIES)),
)
_ERRORS = record(
    lines=array("i8", "held_out", low=0, distinct=True),
    folds=array("i8", "held_out", low=0),
    errors=array("f8", "held_out"),
    difficulty=array("f8", "held_out", low=0),
    predictions=array("f8", "held_out"),
    marker_errors=array("f8", "held_out", gaps=True),
    distances=array("f8", "held_out", low=0, high=np.inf, gaps=True),
)
_BLEND = record(
    parameters=record(markers=texts()),
    patterns=texts(),
    blends=mapping(record(), least=1, most=1000),
)
_DRUG = record(
    name=text(),
    blend=_BLEND,
    fold_blends=mapping(_BLEND, most=_MOST_FOLDS),
    errors=mapping(record()),
    lines=array("i8", "tested", low=0, distinct=True),
    observed=array("f8", "tested"),
    metrics=mapping(mapping(sequence(number(gap=True), 1, 10))),
    gain=record(
        verdict=text("better", "as good", "worse"),
        probability=number(0, 1),
        baseline=text(),
        difference=number(),
    ),
    units=array("f8", "patterns", low=_LEAST_SD, gaps=True),
)
_PREDICTOR = record(
    joiner=mapping(record(parameters=settings, fitted=record()), least=1, most=len(_BUILDERS)),
    fold_joiners=mapping(
        mapping(record(parameters=settings, fitted=record()), least=1, most=len(_BUILDERS)),
        most=_MOST_FOLDS,
    ),
    drugs=mapping(record(name=text()), least=1),
    nearest=record(
        features=texts("features"),
        sd=array("f8", "features", low=_LEAST_SD),
        lines=array("f4", "lines", "features", gaps=True),
        donors=texts("lines", distinct=False),
    ),
    her2=record(cutoffs=mapping(_maybe(number())), high=array("?", "lines")),
    groups=record(attribute=text(), lineages=texts("lines", distinct=False)),
    mechanisms=_MECHANISMS,
    scale=record(
        stable_id=text(),
        metric=text(),
        unit=text(),
        higher_is_resistant=flag,
        kind=text(CONTINUOUS, BINARY),
        event=text(),
        grouping=text(),
    ),
    training=record(),
    known=record(
        samples=texts("lines"),
        names=texts("lines", distinct=False),
        named_donors=texts(),
        folds=array("i8", "lines", low=0),
        study_id=text(),
        digests=mapping(text()),
    ),
)


def require_predictor_state(state: Any) -> None:
    """Refuse the state of a predictor whose parts do not go together.

    Parameters
    ----------
    state : dict
        As `PanelPredictor.get_state` returned, its arrays in their places.

    Raises
    ------
    UnsoundStateError
        It names the first part that is not sound.
    """
    sizes: dict[str, int] = {}
    _PREDICTOR(state, "predictor", sizes)
    names = _features(state["joiner"], "joiner")
    require_same(state["nearest"]["features"], names, "nearest/features")
    for fold, joiner in state["fold_joiners"].items():
        require(fold.isdecimal(), "fold_joiners", f"has a fold {fold!r}")
        require_same(list(joiner), list(state["joiner"]), f"fold_joiners/{fold}")
        _features(joiner, f"fold_joiners/{fold}")
    folds = np.array([int(fold) for fold in state["fold_joiners"]])
    known = np.isin(state["known"]["folds"], folds).all()
    require(bool(known), "known/folds", "names a fold that there is not")
    _mechanisms(state["mechanisms"], sizes)
    _training(state["training"])
    for name, drug in state["drugs"].items():
        _drug(drug, f"drugs/{name}", name, state, sizes["lines"])


def _features(joiner: State, where: str) -> list[str]:
    """Names of the features that a joiner builds, which have to follow from its statistics."""
    require_among(list(joiner), (*MODALITIES, REGIMEN), where)
    names = []
    for modality in (name for name in (*MODALITIES, REGIMEN) if name in joiner):
        fitted, place = joiner[modality]["fitted"], f"{where}/{modality}"
        _BUILDERS[modality](fitted, place, {})
        found = fitted["feature_names_"]
        if modality in ("expression", "copy_number"):
            require_same(found, [f"{modality}:{gene}" for gene in fitted["genes_"]], place)
        elif modality == "rppa":
            require_same(found, _antibody_features(fitted, place), place)
        elif modality == "signature":
            require_same(found, [f"signature:{name}" for name in fitted["signatures_"]], place)
            _published(fitted["published_"], f"{place}/published_")
        elif modality == "mutation":
            require(found[-1:] == [BURDEN], place, "does not end with the burden")
        start = f"{modality}:"
        named = {name[: len(start)] for name in found} <= {start} and start not in found
        require(named, place, "names a feature of another modality")
        if modality in ("clinical", REGIMEN):
            require(all("=" in name for name in found), place, "names a feature without category")
        names += found
    require(len(names) > 0, where, "builds no feature")
    settings(joiner.get("clinical", {}).get("parameters", {}).get("attributes", ()), where, {})
    if REGIMEN in joiner:
        record(attribute=text(), drugs_attribute=text())(joiner[REGIMEN]["parameters"], where, {})
    return names


def _published(state: State, where: str) -> None:
    """Refuse definitions of other genes than there are levels of, or other numbers of them."""
    require(len(state["members"]) == len(state["sizes"]), where, "has sizes of other signatures")
    for members in state["members"].values():
        require_among([*members["plus"], *members["minus"]], state["genes"], where)


def _antibody_features(fitted: State, where: str) -> list[str]:
    totals = {name: name.split("_", 1)[0] for name in fitted["ratios_"]}
    require_among([*totals, *totals.values()], fitted["antibodies_"], where)
    return [
        *(f"rppa:{name}" for name in fitted["antibodies_"]),
        *(f"rppa:{name}/{total}" for name, total in totals.items()),
    ]


def _mechanisms(state: State, sizes: dict[str, int]) -> None:
    """Refuse scores of other mechanisms than the builder gives."""
    builder, where = state["builder"], "mechanisms"
    require_among(list(state["scales"]), MODALITIES, f"{where}/scales")
    require(bool(builder["copies"][1] > _LEAST_SD), where, "has copies that do not vary")
    parts, names, levels = builder["parts"], [], 0
    if "rna" in parts:
        rna = parts["rna"].get("fitted")
        _RNA(rna, f"{where}/rna", {})
        require_among(rna["level_genes_"], rna["genes_"], where)
        require_among(rna["bypass_genes_"], rna["level_genes_"], where)
        for genes in rna["signature_genes_"].values():
            require_among([*genes["up"], *genes["down"]], rna["genes_"], where)
        signatures = [f"expression:signature_{name}" for name in rna["signature_genes_"]]
        names += [*signatures, *(BYPASS if rna["bypass_genes_"] else ())]
        require_same(rna["feature_names_"], names, f"{where}/rna")
        levels = len(rna["level_genes_"])
    if "protein" in parts:
        protein = parts["protein"].get("fitted")
        antibodies = protein.get("antibodies_") if isinstance(protein, Mapping) else None
        known = list(antibodies) if isinstance(antibodies, Mapping) else []
        _PROTEIN(protein, f"{where}/protein", {"antibodies": len(known)})
        for members in protein["members_"].values():
            require_among([*members["plus"], *members["minus"]], known, where)
        require_same(protein["feature_names_"], list(protein["members_"]), f"{where}/protein")
        names += protein["feature_names_"]
    require_same(builder["feature_names"], [*names, *state_names()], where)
    require(sizes["mechanism_levels"] == levels, where, "has levels of other genes")


def _training(state: State) -> None:
    settings(state, "training", {})
    for name in ("study_id", "study_name"):
        if state.get(name) is not None:
            text()(state[name], f"training/{name}", {})
    mapping(text())(state.get("digests", {}), "training/digests", {})


def _drug(drug: Any, where: str, name: str, state: State, n_lines: int) -> None:
    """Refuse a drug's model whose folds, lines or sub-models there are not."""
    fold_joiners, outcome = state["fold_joiners"], outcome_of(state["scale"]["kind"])
    sizes = {"patterns": len(drug.get("blend", {}).get("patterns", ()))}
    _DRUG(drug, where, sizes)
    require(drug["name"] == name, where, "goes by another name")
    _lines(drug["lines"], n_lines, where)
    require_among(list(drug["fold_blends"]), list(fold_joiners), f"{where}/fold_blends")
    for blend in (drug["blend"], *drug["fold_blends"].values()):
        require_same(sorted(blend["patterns"]), sorted(blend["blends"]), where)
        for pattern in blend["patterns"]:
            require_among([*pattern_named(pattern)], MODALITIES, where)
        markers = blend["parameters"]["markers"]
        require(all(":" in marker for marker in markers), where, "has a marker of no modality")
        settings(blend["parameters"], where, {})
    metrics = drug["metrics"]
    headline, words = outcome.headline, outcome.words
    require(headline in metrics.get("blend", ()), where, f"lacks its {words}")
    require(all(headline in found for found in metrics.values()), where, f"lacks a {words}")
    for pattern, errors in drug["errors"].items():
        require_among([pattern], drug["blend"]["patterns"], where)
        _ERRORS(errors, f"{where}/errors", {})
        _lines(errors["lines"], n_lines, where)
        for fold in np.unique(errors["folds"]).tolist():
            held_out = drug["fold_blends"].get(str(fold), {"patterns": ()})
            require_among([pattern], held_out["patterns"], f"{where}/fold_blends/{fold}")


def _lines(lines: np.ndarray, n_lines: int, where: str) -> None:
    inside = not len(lines) or lines.max() < n_lines
    require(bool(inside), where, "names a training line that there is not")
