"""Changes of a sample as ``--set FEATURE=VALUE`` names them, read and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd

from sidestep.features.builders.names import gene_of, modality_of
from sidestep.features.errors import InputError
from sidestep.features.files.tables import LARGEST
from sidestep.features.identifiers import match_key
from sidestep.models.reliability.applicability import NearestLines
from sidestep.serving.words.wording import listed, value_kind

#: Modalities whose features are levels: what a gene's name, or a mechanism's, stands for.
LEVELS = ("expression", "rppa", "copy_number", "signature")
_EXAMPLES = "ERBB2=+2sd, expression:ERBB2=-1.5sd, copy_number:ERBB2=1.2 or mutation:TP53=1"
_VALUE = re.compile(r"([+-]?)(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+) ?(sd)?", re.IGNORECASE)


@dataclass(frozen=True)
class Change:
    """One feature of a sample made different.

    Attributes
    ----------
    feature : str
    amount : float
        In the feature's own scale: training standard deviations for expression, RPPA and
        signatures, log2 for copy number, 1 or 0 for mutations and clinical categories.
    relative : bool
        Whether it is added to the feature's value, or put in its place.
    """

    feature: str
    amount: float
    relative: bool


@dataclass(frozen=True)
class _Value:
    number: float
    in_sd: bool
    signed: bool


def is_level(feature: str) -> bool:
    """Whether a feature is an RNA, protein or copy-number level; a ratio of two levels is not.

    >>> is_level("rppa:ERBB2_pY1248"), is_level("rppa:ERBB2_pY1248/ERBB2")
    (True, False)
    """
    modality = modality_of(feature)
    return modality in LEVELS and not (modality == "rppa" and "/" in feature)


def read_changes(
    settings: Sequence[str], features: pd.DataFrame, lines: NearestLines
) -> list[Change]:
    """Changes that the values of ``--set`` ask for, in their order.

    ============================  ===========================================================
    setting                       meaning
    ============================  ===========================================================
    ``ERBB2=+2sd``                each level of the gene that the sample has (RNA, protein,
                                  phosphoprotein, copy number) 2 training SDs higher
    ``ERBB2=2sd``                 each of these at the training mean plus 2 SDs
    ``expression:ERBB2=-1.5sd``   one feature 1.5 SDs lower
    ``expression:ERBB2=2sd``      one feature at the training mean plus 2 SDs
    ``copy_number:ERBB2=-0.4``    one feature at this value of the model's scale
    ``mutation:PIK3CA=1``         a mutation or clinical category present (1) or absent (0)
    ============================  ===========================================================

    Case and punctuation of names do not count.

    Parameters
    ----------
    settings : sequence of str
    features : DataFrame of shape (1, n_features)
        Of the sample; NaN where not measured.
    lines : NearestLines
        Of the predictor: the training lines' means and standard deviations.

    Raises
    ------
    InputError
        If a setting cannot be read, names what the model does not know (the nearest names are
        suggested) or the sample does not have, or gives a value that the feature cannot take.
    """
    changes: list[Change] = []
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.rpartition("="))
        if not (name and equals):
            raise InputError(
                f"--set {setting!r} is no FEATURE=VALUE; write for example {_EXAMPLES}"
            )
        value = _value(setting, text)
        chosen = (
            [_feature(setting, name, features)]
            if ":" in name
            else _levels_of_gene(setting, name, value, features)
        )
        changes += [_change(setting, feature, value, lines) for feature in chosen]
    return changes


def _value(setting: str, text: str) -> _Value:
    match = _VALUE.fullmatch(text.replace("\N{MINUS SIGN}", "-"))
    if match is None:
        raise InputError(
            f"--set {setting!r}: {text!r} is no value; write +2sd or -1.5sd for a change in "
            "training standard deviations, or a number"
        )
    sign, number, sd = match.groups()
    if sign == "+" and not sd:
        raise InputError(
            f"--set {setting!r}: {text} could be a value or a change; write {text[1:]} for the "
            f"value, or {text}sd for a change in training standard deviations"
        )
    value = float(f"{sign}{number}")
    if abs(value) > LARGEST:
        raise InputError(
            f"--set {setting!r}: {text} is larger than any measurement ({LARGEST:g}); give a "
            "smaller value"
        )
    return _Value(value, bool(sd), bool(sign))


def _feature(setting: str, name: str, features: pd.DataFrame) -> str:
    names = [str(feature) for feature in features.columns]
    matches = [name] if name in names else [n for n in names if match_key(n) == match_key(name)]
    if len(matches) != 1:
        hint = _hint(matches or _nearest(name, names))
        raise InputError(f"--set {setting!r}: the model has no feature {name}; {hint}")
    (feature,) = matches
    if not np.isfinite(features[feature].iloc[0]):
        raise InputError(
            f"--set {setting!r}: {feature} is not measured in sample {features.index[0]}, so "
            f"there is nothing to change; {_measured_beside(feature, features)}"
        )
    return feature


def _levels_of_gene(setting: str, name: str, value: _Value, features: pd.DataFrame) -> list[str]:
    gene_of_feature = {str(feature): gene_of(str(feature)) for feature in features.columns}
    genes = sorted({gene for gene in gene_of_feature.values() if gene is not None})
    key = match_key(name)
    wanted = {name} & set(genes) or {gene for gene in genes if match_key(gene) == key}
    if not wanted:
        hint = _hint(_nearest(name.upper(), genes))
        raise InputError(f"--set {setting!r}: the model has no feature of gene {name}; {hint}")
    if not value.in_sd:
        raise InputError(
            f"--set {setting!r}: the levels of a gene have different scales; write {name}=+2sd, "
            f"or name one feature, such as expression:{name}={value.number:g}"
        )
    of_gene = [feature for feature, gene in gene_of_feature.items() if gene in wanted]
    measured = np.isfinite(features[of_gene].to_numpy(float)[0])
    present = [feature for feature, known in zip(of_gene, measured, strict=True) if known]
    levels = [feature for feature in present if is_level(feature)]
    if not levels:
        others = f"set {' or '.join(present[:3])} to a value" if present else "choose another gene"
        raise InputError(
            f"--set {setting!r}: sample {features.index[0]} has no RNA, protein or copy-number "
            f"level of {name} that the model uses; {others}"
        )
    return levels


def _change(setting: str, feature: str, value: _Value, lines: NearestLines) -> Change:
    kind = value_kind(feature)
    if kind == "flag":
        if value.in_sd or value.number not in (0.0, 1.0):
            raise InputError(
                f"--set {setting!r}: {feature} is present or absent; write {feature}=1 or "
                f"{feature}=0"
            )
        return Change(feature, value.number, relative=False)
    if not value.in_sd:
        if kind == "number" and value.number < 0:
            raise InputError(f"--set {setting!r}: {feature} is never below 0; give a higher value")
        return Change(feature, value.number, relative=False)
    sd = float(lines.sd_of([feature])[0])
    if value.signed:
        return Change(feature, value.number * sd, relative=True)
    if feature not in lines.features_:
        raise InputError(
            f"--set {setting!r}: the mean of {feature} is not known; write {feature}=+2sd or "
            f"{feature}=-2sd for a change"
        )
    column = lines.features_.index(feature)
    mean = float(np.nanmean(lines.lines_[:, column].astype(float))) * sd
    return Change(feature, mean + value.number * sd, relative=False)


def _nearest(name: str, names: Iterable[str]) -> list[str]:
    """Names that look most like `name`, three at most; case does not count."""
    by_case = {other.casefold(): other for other in names}
    return [by_case[match] for match in get_close_matches(name.casefold(), by_case, n=3)]


def _hint(nearest: list[str]) -> str:
    if nearest:
        return f"did you mean {' or '.join(nearest)}?"
    return "names are like ERBB2, expression:ERBB2, rppa:ERBB2_pY1248 or mutation:PIK3CA:hotspot"


def _measured_beside(feature: str, features: pd.DataFrame) -> str:
    """What the sample has of the same gene, or else which modalities it has."""
    gene = gene_of(feature)
    measured = [str(name) for name in features.columns[np.isfinite(features.to_numpy(float)[0])]]
    same = [name for name in measured if gene is not None and gene_of(name) == gene]
    if same:
        return f"of {gene} it has {listed(same[:3])}"
    modalities = list(dict.fromkeys(modality_of(name) for name in measured))
    return f"choose a feature that it has ({listed(modalities)})"
