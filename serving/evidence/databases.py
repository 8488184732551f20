"""The larger databases that evidence draws on, read from a folder that a user names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sidestep.features.downloads.places import knowledge_folder
from sidestep.features.errors import InputError
from sidestep.features.files.owned import plain_bytes
from sidestep.features.knowledge.gene_sets import (
    HALLMARK,
    PROGENY,
    REACTOME,
    GeneSet,
    read_gmt,
    read_progeny,
)
from sidestep.models.predictor.gene_sets import GeneSetStanding, gene_set_reference
from sidestep.models.reliability.applicability import NearestLines
from sidestep.serving.evidence.civic import NIGHTLY_FILE, civic_path, read_civic

if TYPE_CHECKING:
    from sidestep.serving.evidence.measured import MeasuredFindings

CIVIC = "CIViC"
#: Bytes of a database's file: MSigDB as a whole has some 30 million.
_LARGEST = 256 * 2**20
_CACHE = "sidestep/knowledge in the user's cache"
#: Files of the knowledge folder, by database. Any other ``*.gmt`` there is read as well.
FILES = {
    CIVIC: NIGHTLY_FILE,
    HALLMARK: "hallmark_symbols.gmt",
    PROGENY: "progeny_human_top100_14pathways.csv",
    REACTOME: "ReactomePathways.gmt",
}


@dataclass(frozen=True)
class OutsideKnowledge:
    """Databases beside the tables of ``features/knowledge``; any may be missing.

    Attributes
    ----------
    civic : DataFrame or None
        As `serving.evidence.civic.read_civic` returns.
    gene_sets : tuple of GeneSet
    digests : mapping of str to str
        File that was read -> its sha256.
    folder : str
        Where they were looked for; empty if nowhere.
    measured : MeasuredFindings or None
        What a user's own assays found.
    """

    civic: pd.DataFrame | None = None
    gene_sets: tuple[GeneSet, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    measured: MeasuredFindings | None = None

    @property
    def databases(self) -> list[str]:
        """Databases that were read: CIViC, then those of gene sets by name."""
        of_sets = sorted({one.database for one in self.gene_sets})
        return [*([CIVIC] if self.civic is not None else []), *of_sets]

    @property
    def missing(self) -> dict[str, str]:
        """Database that was not found -> the file that it is looked for in."""
        found = self.databases
        return {name: file for name, file in FILES.items() if name not in found}

    @property
    def note(self) -> str:
        """Which databases are missing, where they were looked for and how to get them; or empty."""
        if not self.missing:
            return ""
        named = ", ".join(f"{name} ({file})" for name, file in self.missing.items())
        own = ", ".join(["its own tables", *self.databases])
        return (
            f"no {named} in {self.folder}, so the evidence goes by {own}; "
            "`sidestep data list` names those that can be fetched, and the docs say under 'Larger "
            "databases' where to get the others: put the files there, or name their folder with "
            "--knowledge"
        )

    def stand(
        self, features: pd.DataFrame, nearest: NearestLines, among: np.ndarray | None = None
    ) -> GeneSetStanding | None:
        """Where samples with these features stand in the gene sets; None without any.

        `among` are the rows of the training lines to compare with, all by default.
        """
        if not self.gene_sets:
            return None
        return gene_set_reference(self.gene_sets, nearest).stand(features, among)

    def record(self, nearest: NearestLines) -> dict[str, Any]:
        """The entry of the manifest: files with digests, what is missing, what can be scored.

        Parameters
        ----------
        nearest : NearestLines
            The model's training lines, whose genes decide which gene sets have a score.
        """
        scorable = {name: {"sets": 0, "scorable": 0} for name in self.databases if name != CIVIC}
        if self.gene_sets:
            enough = gene_set_reference(self.gene_sets, nearest).scorable
            for one, has in zip(self.gene_sets, enough, strict=True):
                scorable[one.database]["sets"] += 1
                scorable[one.database]["scorable"] += int(has)
        return {
            "databases": self.databases,
            "files": dict(self.digests),
            "missing": self.missing,
            # The same for every user who names no folder.
            "looked_in": _CACHE if self.folder in ("", str(knowledge_folder())) else self.folder,
            "gene_sets": scorable,
            "measured": {} if self.measured is None else dict(self.measured.digests),
        }


#: No database at hand.
NO_KNOWLEDGE = OutsideKnowledge()


def read_outside_knowledge(folder: Path | None, assays: Sequence[Path] = ()) -> OutsideKnowledge:
    """Read what a knowledge folder holds, and what a user's assays found.

    Parameters
    ----------
    folder : Path or None
        None is the folder ``sidestep/knowledge`` of the user's cache, if there is one.
    assays : sequence of Path
        Folders that `sidestep fit`, `shift`, `synergy` or `perturb` wrote.

    Raises
    ------
    InputError
        If a folder that was named does not exist, or a file in it cannot be read.
    """
    if folder is not None and not folder.is_dir():
        raise InputError(f"the knowledge folder {folder} does not exist; give another --knowledge")
    place = knowledge_folder() if folder is None else folder
    digests: dict[str, str] = {}
    sets: list[GeneSet] = []
    for path in [*sorted(place.glob("*.gmt")), place / FILES[PROGENY]]:
        if path.exists():
            digests[path.name] = _digest(path)
            sets += read_progeny(path) if path.name == FILES[PROGENY] else _gmt(path)
    of_civic = civic_path(place)
    if of_civic is not None:
        digests[of_civic.name] = _digest(of_civic)
    civic = read_civic(place)
    measured = None
    if assays:  # what fits curves takes time to import, and few jobs have assays
        from sidestep.serving.evidence.measured import read_findings

        measured = read_findings(assays)
    return OutsideKnowledge(civic, tuple(sets), digests, str(place), measured)


def _gmt(path: Path) -> Iterator[GeneSet]:
    """Gene sets of a file; one that is called as CIViC is, which has none, keeps its ending."""
    for gene_set in read_gmt(path):
        own = gene_set.database != CIVIC
        yield gene_set if own else replace(gene_set, database=path.name)


def _digest(path: Path) -> str:
    """Digest of a file that is looked at before it is read: a plain one of a sound size."""
    try:
        return hashlib.sha256(plain_bytes(path, _LARGEST)).hexdigest()
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read ({reason}); fetch it again") from None
