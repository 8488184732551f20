"""MuData's HDF5 (.h5mu), written without MuData: matrices of samples side by side.

The format is MuData's on-disk specification, version 0.1.0, whose modalities are AnnData's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.optional import needed

#: What MuData looks for at the begin of a file, in HDF5's user block.
_USER_BLOCK: Final = 512
_MARK: Final = b"MuData (format-version=0.1.0;creator=sidestep;creator-version=0.1.0)"


@dataclass(frozen=True)
class Modality:
    """A matrix of samples.

    Attributes
    ----------
    samples : sequence of str
    features : pandas.DataFrame
        A row a feature, by name; the columns say what else is known of it, as text.
    values : numpy.ndarray
        Samples x features, float64, NaN where missing.
    facts : mapping of str to str
        What is said of it as a whole.
    """

    samples: Sequence[str]
    features: pd.DataFrame
    values: np.ndarray
    facts: Mapping[str, str] = field(default_factory=dict)


def write_mudata(
    path: Path, modalities: Mapping[str, Modality], obs: pd.DataFrame, uns: Mapping[str, Any]
) -> None:
    """Write a MuData file.

    Parameters
    ----------
    path : Path
        Is replaced.
    modalities : mapping of str to Modality
    obs : DataFrame
        Every sample x attributes as text.
    uns : mapping
        Words, sequences of words, tables of text, and mappings of these, by name.

    Raises
    ------
    InputError
        If h5py is not installed.
    """
    with needed("h5py", "a .h5mu file"):
        import h5py
    with h5py.File(path, "w", userblock_size=_USER_BLOCK) as file:
        _encode(file, "MuData", "0.1.0")
        file.attrs.update({"axis": 0, "encoder": "sidestep", "encoder-version": "0.1.0"})
        group = file.create_group("mod")
        group.attrs["mod-order"] = list(modalities)
        for name, modality in modalities.items():
            _write_modality(group.create_group(name), modality)
        _write_frame(file, "obs", obs)
        features = [str(name) for one in modalities.values() for name in one.features.index]
        _write_frame(file, "var", pd.DataFrame(index=pd.Index(features, dtype="str")))
        _write_maps(file, modalities, obs.index, len(features))
        for name in ("obsp", "varp"):
            _encode(file.create_group(name), "dict", "0.1.0")
        _write_element(file, "uns", dict(uns))
    with path.open("r+b") as start:
        start.write(_MARK)


def _write_modality(group: Any, modality: Modality) -> None:
    _encode(group, "anndata", "0.1.0")
    values = group.create_dataset("X", data=modality.values, compression="gzip", shuffle=True)
    _encode(values, "array", "0.2.0")
    _write_frame(group, "obs", pd.DataFrame(index=pd.Index(list(modality.samples), dtype="str")))
    _write_frame(group, "var", modality.features)
    for name in ("layers", "obsm", "varm", "obsp", "varp"):
        _encode(group.create_group(name), "dict", "0.1.0")
    _write_element(group, "uns", dict(modality.facts))


def _write_maps(
    file: Any, modalities: Mapping[str, Modality], samples: pd.Index, features: int
) -> None:
    """Which rows and columns of the whole are those of each modality: from 1, 0 where none is."""
    maps = {name: _encoded_group(file, name) for name in ("obsmap", "varmap", "obsm", "varm")}
    first = 0
    for name, modality in modalities.items():
        places = pd.Index(list(modality.samples)).get_indexer(samples) + 1
        columns = np.zeros(features, dtype=np.uint32)
        columns[first : first + len(modality.features)] = np.arange(len(modality.features)) + 1
        first += len(modality.features)
        for kind, found in (("obs", places.astype(np.uint32)), ("var", columns)):
            _encode(maps[f"{kind}map"].create_dataset(name, data=found), "array", "0.2.0")
            _encode(maps[f"{kind}m"].create_dataset(name, data=found > 0), "array", "0.2.0")


def _encoded_group(parent: Any, name: str) -> Any:
    group = parent.create_group(name)
    _encode(group, "dict", "0.1.0")
    return group


def _encode(item: Any, kind: str, version: str) -> None:
    item.attrs["encoding-type"], item.attrs["encoding-version"] = kind, version


def _write_frame(parent: Any, name: str, frame: pd.DataFrame) -> None:
    """A table of text: columns of words are categories, of which a missing one is none."""
    group = parent.create_group(name)
    _encode(group, "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(list(frame.columns), dtype=object) if len(
        frame.columns
    ) else np.array([], dtype="S1")  # fmt: skip
    _write_words(group, "_index", list(map(str, frame.index)))
    for column in frame.columns:
        _write_categories(group, str(column), frame[column])


def _write_categories(parent: Any, name: str, column: pd.Series) -> None:
    if "/" in name or name == "_index":
        raise InputError(f"column {name!r} cannot be written to HDF5; call it something else")
    codes, words = pd.factorize(column.astype("str"), sort=True)
    group = parent.create_group(name)
    _encode(group, "categorical", "0.2.0")
    group.attrs["ordered"] = False
    _encode(group.create_dataset("codes", data=codes.astype(np.int32)), "array", "0.2.0")
    _write_words(group, "categories", list(map(str, words)))


def _write_words(parent: Any, name: str, words: Sequence[str]) -> None:
    import h5py

    data = np.array(list(words), dtype=object)
    found = parent.create_dataset(name, data=data, dtype=h5py.string_dtype())
    _encode(found, "string-array", "0.2.0")


def _write_element(parent: Any, name: str, item: Any) -> None:
    if isinstance(item, Mapping):
        group = _encoded_group(parent, name)
        for key, value in item.items():
            _write_element(group, str(key), value)
    elif isinstance(item, pd.DataFrame):
        _write_frame(parent, name, item)
    elif isinstance(item, str):
        _encode(parent.create_dataset(name, data=item), "string", "0.2.0")
    else:
        _write_words(parent, name, list(map(str, item)))
