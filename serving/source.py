"""Study, model and sample that a question is about, found by scores, paths and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.identifiers import match_key
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel, load_model
from sidestep.serving.disk.output import MANIFEST, read_manifest
from sidestep.serving.scoring.options import DEFAULT_OPTIONS
from sidestep.serving.scoring.quarantine import unusable
from sidestep.serving.scoring.samples import Answered, answered
from sidestep.serving.scoring.tumours import References

#: Scores that are looked at where none are named.
DEFAULT_SCORES = Path("scores")


@dataclass(frozen=True)
class Source:
    """Study and model, and the options of the scores.

    Attributes
    ----------
    study : Study
    model : LoadedModel
    level : float
        Of intervals.
    her2_context : bool
    call_at : float
        Probability that a call needs.
    reference : str
        As in `ScoreOptions`.
    """

    study: Study
    model: LoadedModel
    level: float
    her2_context: bool
    call_at: float
    reference: str = ""

    @property
    def references(self) -> References:
        """Cohorts that the samples may be answered among."""
        options = replace(DEFAULT_OPTIONS, her2_context=self.her2_context, reference=self.reference)
        return References.of(self.model, options)

    @property
    def simulated(self) -> bool:
        """Whether the study or what the model learned from is simulated."""
        return self.study.simulated or bool(self.model.predictor.training.get("simulated"))


def find_source(
    scores: Path | None,
    study: Path | None,
    model: str | None,
    *,
    profiles: Mapping[str, str] | None = None,
    tracking_uri: str | None = None,
    trust: bool = False,
) -> Source:
    """Load study and model: those given, and the rest as the manifest of scores names it.

    Parameters
    ----------
    scores : Path, optional
        Output of ``sidestep score``; the folder ``scores`` by default, which is not looked at
        where both study and model are given.
    study : Path, optional
        Where the scored study lies now, or another one if no scores are looked at.
    model : str, optional
        As for `models.registry.load.load_model`; needed beside scores that a model in a folder
        made, since they do not record where it lies.
    profiles : mapping of str to str, optional
        As for `features.study.study.read_study`; those of the scores where these name the study.
    tracking_uri, trust
        As for `models.registry.load.load_model`.

    Raises
    ------
    InputError
        If there is no such folder, study or model, or the study's or the model's files are not
        those that the scores were made of.
    """
    if study is not None and model is not None and scores is None:
        loaded = load_model(model, tracking_uri, trust=trust)
        return Source(
            read_study(study, profiles),
            loaded,
            DEFAULT_OPTIONS.level,
            DEFAULT_OPTIONS.her2_context,
            DEFAULT_OPTIONS.call_at,
        )
    if profiles:
        raise InputError(
            "--profile is for a study that no scores are looked at for (give --study and --model); "
            "the scores record which profiles they were made of"
        )
    folder = scores or DEFAULT_SCORES
    if scores is None and not folder.is_dir():
        raise InputError(
            "nothing says what to explain: there is no folder scores here; give --scores DIR, a "
            "folder that sidestep score wrote, or --study and --model"
        )
    manifest = _manifest(folder)
    loaded = load_model(model or _model_uri(folder, manifest), tracking_uri, trust=trust)
    if loaded.digest != manifest["model"]["digest"]:
        raise InputError(
            f"model {loaded.name} is not the one that {folder} was made with (its digest is "
            f"{loaded.digest[:12]}…, there it is {manifest['model']['digest'][:12]}…); give that "
            "model with --model, or score again"
        )
    read = read_study(_study_path(folder, manifest, study), manifest["study"].get("profiles"))
    _require_same(folder, manifest, read)
    options = manifest["options"]
    return Source(
        read,
        _as_scored(folder, loaded, options["references"]),
        float(options["level"]),
        bool(options["her2_context"]),
        float(options["call_at"]),
        str(options["reference"]),
    )


def find_sample(source: Source, name: str) -> tuple[Study, Answered]:
    """The sample of that name (case and punctuation do not count), alone, and who answers for it.

    Raises
    ------
    InputError
        If the study has no such sample (the nearest names are suggested), or the model cannot
        predict it.
    """
    samples = [str(sample) for sample in source.study.samples]
    matches = [name] if name in samples else [s for s in samples if match_key(s) == match_key(name)]
    if len(matches) != 1:
        nearest = matches or get_close_matches(name, samples, n=3)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"it has {some(samples, 3)}"
        raise InputError(f"study {source.study.study_id} has no sample {name}; {hint}")
    (sample,) = matches
    alone = source.study.select([sample])
    predictor = source.model.predictor
    features: pd.DataFrame = predictor.features(alone)
    for reason in {**unusable(features), **alone.failed}.values():
        raise InputError(f"sample {sample} cannot be predicted: {reason}; choose another sample")
    (found,) = answered(predictor, alone, features, source.references)
    return alone, found


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = read_manifest(folder, "--scores")
    missing = [name for name in ("model", "study", "options") if name not in manifest]
    if missing:
        raise InputError(f"{folder / MANIFEST} lacks {', '.join(missing)}; score the study again")
    return manifest


def _model_uri(folder: Path, manifest: dict[str, Any]) -> str:
    name, version = str(manifest["model"]["name"]), str(manifest["model"]["version"])
    if version:
        return f"models:/{name}/{version}"
    if name.startswith("runs:/"):
        return name
    raise InputError(
        f"{folder} was made with the model {name} of a folder, and does not tell where that lies; "
        f"give --model, such as --model path/to/{name}"
    )


def _study_path(folder: Path, manifest: dict[str, Any], given: Path | None) -> Path:
    if given is not None:
        return given
    recorded = manifest["study"]["path"]
    if recorded is None or not Path(recorded).is_dir():
        where = "nowhere on disk" if recorded is None else f"in {recorded}, which is no folder now"
        raise InputError(
            f"the study that {folder} was made of lay {where}; give its place with --study"
        )
    return Path(recorded)


def _as_scored(folder: Path, model: LoadedModel, digests: Mapping[str, str]) -> LoadedModel:
    """The model with the cohorts that scores could be answered among, and no later ones.

    Raises
    ------
    InputError
        If one of them is gone or was made anew.
    """
    for name, digest in digests.items():
        if name not in model.references or model.references[name].digest != digest:
            raise InputError(
                f"reference {name} of model {model.name} is not the one that {folder} was made "
                "with; score the study again"
            )
    return replace(model, references={name: model.references[name] for name in digests})


def _require_same(folder: Path, manifest: dict[str, Any], study: Study) -> None:
    """Refuse a study whose files are not those that were scored."""
    old, new = dict(manifest["study"]["digests"]), dict(study.digests)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        raise InputError(
            f"{len(changed)} file(s) of study {study.study_id} have changed since {folder} was "
            f"made: {some(changed, 3)}; score the study again (sidestep explain can also do "
            "without the scores, with --study and --model)"
        )
