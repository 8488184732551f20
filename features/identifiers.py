"""Names of samples and other things, compared without regard to case and punctuation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sidestep.features.errors import Findings, some, study_error


def match_key(name: str) -> str:
    """Name without case and punctuation: upper case, letters and digits only.

    Examples
    --------
    >>> match_key("SK-BR-3")
    'SKBR3'
    """
    return "".join(character for character in name.upper() if character.isalnum())


class Samples:
    """The samples of a study, in the order of the clinical file and then as first seen.

    A name that differs from a known sample only in case or punctuation means that sample; a name
    that could mean two samples is an error, never a guess.
    """

    def __init__(self, findings: Findings) -> None:
        self._known: dict[str, None] = {}
        self._by_key: dict[str, list[str]] = {}
        self._clinical = False
        self._findings = findings

    @property
    def names(self) -> list[str]:
        """Every sample so far."""
        return list(self._known)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def declare(self, names: Iterable[str]) -> None:
        """Take the samples of the clinical file."""
        self._clinical = True
        self._add(names)

    def resolve(self, names: Sequence[str], file: str) -> dict[str, str]:
        """Sample that each name of one file means; names not met before become samples.

        Raises
        ------
        StudyError
            If a name fits two known samples, or two names of the file fit one sample.
        """
        sample_of = {name: self._meaning(name, file) for name in names}
        owner: dict[str, str] = {}
        for name, sample in sample_of.items():
            if sample in owner:
                message = (
                    f"{file}: {owner[sample]!r} and {name!r} both mean sample {sample!r} (case and "
                    "punctuation do not count); rename or remove one of them."
                )
                raise study_error(message, file, column=name)
            owner[sample] = name
        self._report(sample_of, file)
        self._add(sample for sample in sample_of.values() if sample not in self._known)
        return sample_of

    def _meaning(self, name: str, file: str) -> str:
        if name in self._known:
            return name
        fits = self._by_key.get(match_key(name), [])
        if len(fits) > 1:
            message = (
                f"{file}: sample {name!r} could be {' or '.join(fits)} of the study; write it as "
                "one of these."
            )
            raise study_error(message, file, column=name)
        return fits[0] if fits else name

    def _report(self, sample_of: Mapping[str, str], file: str) -> None:
        renamed = [f"{name} as {sample}" for name, sample in sample_of.items() if name != sample]
        if renamed:
            self._findings.note(
                f"{file}: {len(renamed)} sample name(s) read without regard to case and "
                f"punctuation: {some(renamed)}.",
                file,
            )
        new = [sample for sample in sample_of.values() if sample not in self._known]
        if new and self._clinical:
            self._findings.warn(
                f"{file} has {len(new)} sample(s) that the clinical file does not list: "
                f"{some(new)}.",
                file,
            )

    def _add(self, names: Iterable[str]) -> None:
        for name in names:
            self._known[name] = None
            if key := match_key(name):
                fits = self._by_key.setdefault(key, [])
                if name not in fits:
                    fits.append(name)
