"""Names of samples and other things, compared without regard to case and punctuation."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import pandas as pd

from sidestep.features.errors import Findings, some, study_error

# TCGA-A1-A0SH-01A-11R-A056-07: project, site, participant; sample type and vial; what was made of
# it (https://docs.gdc.cancer.gov, TCGA barcode). Two digits of the type make the sample.
_BARCODE = re.compile(r"^(TCGA[-.]\w{2}[-.]\w{4})(?:[-.](\d{2})[A-Z]?(?:[-.].*)?)?$", re.IGNORECASE)
#: Types of tumour samples; from 10 on they are normal tissue.
_TUMOUR_TYPES = range(1, 10)
#: Tissues that CCLE puts behind a cell line's name, as in SKBR3_BREAST.
_TISSUES = frozenset(
    """ADRENAL_CORTEX AUTONOMIC_GANGLIA BILIARY_TRACT BONE BREAST CENTRAL_NERVOUS_SYSTEM CERVIX
    ENDOMETRIUM EYE FIBROBLAST GASTROINTESTINAL_TRACT HAEMATOPOIETIC_AND_LYMPHOID_TISSUE KIDNEY
    LARGE_INTESTINE LIVER LUNG OESOPHAGUS OVARY PANCREAS PLACENTA PLEURA PROSTATE SALIVARY_GLAND
    SKIN SMALL_INTESTINE SOFT_TISSUE STOMACH TESTIS THYROID UPPER_AERODIGESTIVE_TRACT URINARY_TRACT
    UVEA VULVA""".split()
)


@functools.lru_cache(maxsize=100_000)
def match_key(name: str) -> str:
    """Name without case and punctuation: upper case, letters and digits only.

    Examples
    --------
    >>> match_key("SK-BR-3")
    'SKBR3'
    """
    return "".join(character for character in name.upper() if character.isalnum())


def without_tissue(name: str) -> str:
    """Name of a cell line without the tissue that CCLE puts behind it.

    Examples
    --------
    >>> without_tissue("SKBR3_BREAST"), without_tissue("MCF7_clone")
    ('SKBR3', 'MCF7_clone')
    """
    return name.partition("_")[0] if tissue_of(name) else name


def tissue_of(name: str) -> str:
    """Tissue that CCLE puts behind a cell line's name; empty where there is none.

    Examples
    --------
    >>> tissue_of("SKBR3_BREAST"), tissue_of("MCF7_clone")
    ('BREAST', '')
    """
    rest = name.partition("_")[2].upper()
    return rest if rest in _TISSUES else ""


def barcode_parts(name: str) -> tuple[str, str] | None:
    """Patient and two digits of the sample's type of a TCGA barcode of any length; else None.

    Examples
    --------
    >>> barcode_parts("TCGA-A1-A0SH-01A-11R-A056-07"), barcode_parts("TCGA.A1.A0SH")
    (('TCGAA1A0SH', '01'), ('TCGAA1A0SH', ''))
    """
    found = _BARCODE.match(name)
    return None if found is None else (match_key(found[1]), found[2] or "")


class Counts(Protocol):
    """Where matched names are counted, such as `study.account.Account`."""

    def match(self, file: str, counts: Mapping[str, int], /) -> None:
        """Count names of a file that were matched, by what."""


class Samples:
    """The samples of a study, in the order of the clinical file and then as first seen.

    A name that differs from a known sample only in case or punctuation means that sample. So does
    a longer or shorter TCGA barcode of it, the patient's name where a patient has one sample, and
    a name to which R gave an ``X``. A name that could mean two samples is an error, never a guess.

    Parameters
    ----------
    findings : Findings
    counts : Counts, optional
        Where it is counted how names were matched.
    """

    def __init__(self, findings: Findings, counts: Counts | None = None) -> None:
        self._known: dict[str, None] = {}
        self._by_key: dict[str, list[str]] = {}
        self._by_patient: dict[str, list[str]] = {}
        self._by_barcode: dict[tuple[str, str], list[str]] = {}
        self._clinical = False
        self._findings = findings
        self._counts = counts

    @property
    def names(self) -> list[str]:
        """Every sample so far."""
        return list(self._known)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def declare(self, names: Iterable[str], patients: pd.Series | None = None) -> None:
        """Take the samples of the clinical file.

        Parameters
        ----------
        names : iterable of str
        patients : Series of str, optional
            Sample -> its patient.
        """
        self._clinical = True
        self._add(names)
        if patients is not None:
            for sample, patient in patients.dropna().items():
                self._by_patient.setdefault(match_key(str(patient)), []).append(str(sample))

    def resolve(self, names: Sequence[str], file: str) -> dict[str, str]:
        """Sample that each name of one file means; names not met before become samples.

        Raises
        ------
        StudyError
            If a name fits two known samples, or two names of the file fit one sample.
        """
        tumours = self._tumours(names)
        sample_of: dict[str, str] = {}
        ways: Counter[str] = Counter()
        for name in names:
            sample_of[name], way = self._meaning(name, file, tumours)
            ways[way] += 1
        owner: dict[str, str] = {}
        for name, sample in sample_of.items():
            if sample in owner:
                message = (
                    f"{file}: {owner[sample]!r} and {name!r} both mean sample {sample!r} (case, "
                    "punctuation and what follows the sample in a TCGA barcode do not count); "
                    "rename or remove one of them."
                )
                raise study_error(message, file, column=name)
            owner[sample] = name
        self._report(sample_of, ways, file)
        self._add(sample for sample in sample_of.values() if sample not in self._known)
        return sample_of

    def _tumours(self, names: Iterable[str]) -> Counter[str]:
        """Patient -> tumour samples that a file has of it, by its TCGA barcodes."""
        parts = {found for name in names if (found := barcode_parts(name)) is not None}
        return Counter(patient for patient, kind in parts if not kind or int(kind) in _TUMOUR_TYPES)

    def _meaning(self, name: str, file: str, tumours: Mapping[str, int]) -> tuple[str, str]:
        """Sample that a name means, and by what."""
        if name in self._known:
            return name, "sample name"
        key = match_key(name)
        for way, fits in self._fits(name, key, tumours):
            if len(fits) > 1:
                message = (
                    f"{file}: sample {name!r} could be {' or '.join(fits)} of the study; write it "
                    "as one of these."
                )
                raise study_error(message, file, column=name)
            if fits:
                return fits[0], way
        return name, "new sample"

    def _fits(
        self, name: str, key: str, tumours: Mapping[str, int]
    ) -> Iterable[tuple[str, Sequence[str]]]:
        """Known samples that a name may mean, the surest way first."""
        yield "sample name, but for case and punctuation", self._by_key.get(key, [])
        barcode = barcode_parts(name)
        if barcode is not None:
            yield "TCGA barcode", self._of_barcode(*barcode, tumours)
        yield "patient", self._by_patient.get(key, [])
        if key[:1] == "X" and key[1:2].isdigit():
            yield "sample name, but for R's X", self._by_key.get(key[1:], [])
        elif key[:1].isdigit():
            yield "sample name, but for R's X", self._by_key.get(f"X{key}", [])

    def _of_barcode(self, patient: str, kind: str, tumours: Mapping[str, int]) -> Sequence[str]:
        """Known samples of a TCGA barcode: the same sample, else the only tumour of the patient."""
        if same := self._by_barcode.get((patient, kind)):
            return same
        if not kind:
            known = [
                sample
                for number in _TUMOUR_TYPES
                for sample in self._by_barcode.get((patient, f"{number:02d}"), [])
            ]
            return known
        of_patient = self._by_barcode.get((patient, ""), [])
        one = int(kind) in _TUMOUR_TYPES and tumours[patient] == 1
        return of_patient if one else []

    def _report(self, sample_of: Mapping[str, str], ways: Mapping[str, int], file: str) -> None:
        if self._counts is not None:
            self._counts.match(file, ways)
        renamed = [f"{name} as {sample}" for name, sample in sample_of.items() if name != sample]
        if renamed:
            by = [way for way in ways if way not in ("sample name", "new sample")]
            self._findings.note(
                f"{file}: {len(renamed)} sample name(s) read without regard to case and "
                f"punctuation: {some(renamed)}."
                if by == ["sample name, but for case and punctuation"]
                else f"{file}: {len(renamed)} sample name(s) joined by {', '.join(by)}: "
                f"{some(renamed)}.",
                file,
            )
        new = [sample for sample in sample_of.values() if sample not in self._known]
        if not new or not self._clinical:
            return
        message = (
            f"{file} has {len(new)} sample(s) that the clinical file does not list: {some(new)}."
        )
        if len(new) == len(sample_of) and self._known:
            message = (
                f"{file}: none of its {len(new)} sample(s) (for one {new[0]!r}) is known so far "
                f"(for one {next(iter(self._known))!r}), so they count beside the "
                f"{len(self._known)} others; if they are the same, name samples alike."
            )
        self._findings.warn(message, file)

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self._known:
                continue
            self._known[name] = None
            if key := match_key(name):
                self._by_key.setdefault(key, []).append(name)
            if (parts := barcode_parts(name)) is not None:
                self._by_barcode.setdefault(parts, []).append(name)
