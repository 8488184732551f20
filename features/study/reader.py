"""The steps in which a study folder is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, Problem, StudyError, some, study_error
from sidestep.features.files.matrix import Matrix
from sidestep.features.files.store import MatrixStore
from sidestep.features.identifiers import Samples
from sidestep.features.study import mix_ups
from sidestep.features.study.antibodies import ProteinLevels, read_protein_levels
from sidestep.features.study.clinical import join_patients, read_attributes, tell_statuses
from sidestep.features.study.data_files import (
    DataFiles,
    note_unread,
    warn_of_files_without_meta,
)
from sidestep.features.study.genes import GeneRows, gene_pairs, name_rows, read_gene_rows
from sidestep.features.study.meta import Meta, check_folder, data_path, meta_paths, read_meta
from sidestep.features.study.mutations import (
    FUSED_GENES,
    MutationCalls,
    read_fusions,
    read_mutations,
)
from sidestep.features.study.profiles import Profile, by_kind, choose_profile
from sidestep.features.study.responses import (
    ERRORS,
    OF_ERRORS,
    RESPONSES,
    ResponseFile,
    assay_type,
    describe_response,
    response_columns,
)
from sidestep.features.study.scales import (
    CONTINUOUS,
    DISCRETE,
    LOG2,
    Scale,
    copy_number_scale,
    expression_base,
    expression_scale,
    is_linear,
    on_base_two,
    protein_scale,
)
from sidestep.features.study.sequencing import (
    CASE_LIST,
    panel_genes,
    panel_paths,
    read_case_list,
    read_panel,
    read_panel_matrix,
    read_sequenced_header,
    sequenced_samples,
    warn_of_unknown_panels,
)
from sidestep.features.study.signatures import (
    AS_GIVEN,
    STANDARDISED,
    account_for,
    is_signature_file,
    kind_of_scores,
    read_signatures,
    with_signatures,
)
from sidestep.features.vocabulary.account import Account
from sidestep.features.vocabulary.cell_lines import are_lines, line_names, unite_donors
from sidestep.features.vocabulary.gene_names import NameCount, name_calls, symbols_by_entrez
from sidestep.features.vocabulary.response_units import doubtful_direction


class StudyReader:
    """The parts of a study, filled step by step.

    `steps` yields one step at a time. Whoever runs them decides what an `InputError` means:
    `study.study.read_study` stops at the first, `study.check.check_study` collects them.

    Parameters
    ----------
    folder : pathlib.Path
    store : MatrixStore, optional
        Where matrices and calls too large for memory go; by default all are held.
    profiles : mapping of str to str, optional
        Which profiles to read, where the user chooses; see `study.profiles.by_kind`.
    counted : callable, optional
        Called with the number of samples of the clinical files before any profile is read.
    """

    def __init__(
        self,
        folder: Path,
        store: MatrixStore | None = None,
        profiles: Mapping[str, str] | None = None,
        counted: Callable[[int], None] = lambda n_samples: None,
    ) -> None:
        self._counted = counted
        self.folder = folder
        self.wanted = by_kind(profiles)
        self.profiles: dict[str, Profile] = {}
        self.digests: dict[str, str] = {}
        self._store = store
        self._files = DataFiles(folder, store, self.digests)
        self.findings = Findings()
        self.account = Account()
        self.samples = Samples(self.findings, self.account)
        self.info: dict[str, str] = {}
        self.clinical = pd.DataFrame(index=pd.Index([], dtype="str"))
        self.patients: tuple[str, pd.DataFrame] | None = None
        self.expression_rows: GeneRows | None = None
        self.copy_number_rows: GeneRows | None = None
        self.expression: Matrix | None = None
        self.copy_number: Matrix | None = None
        self.kinds: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.grades: dict[str, Mapping[str, str]] = {}
        self.protein: ProteinLevels | None = None
        self.calls: MutationCalls | None = None
        self.sequenced: list[str] | None = None
        self.panels: dict[str, frozenset[str]] = {}
        self.panel_of: dict[str, str] = {}
        self.fusions: pd.DataFrame | None = None
        self.signatures: pd.DataFrame | None = None
        self.entrez = pd.Series(dtype="Int64")
        self.responses: dict[str, ResponseFile] = {}
        self._metas: list[Meta] = []

    def steps(self) -> Iterator[Callable[[], None]]:
        """Every step of the reading, in order; run each one before asking for the next."""
        yield partial(check_folder, self.folder)
        if not self.folder.is_dir():
            return
        for path in meta_paths(self.folder):
            yield partial(self._read_meta, path)
        yield self._read_info
        for datatype in ("SAMPLE_ATTRIBUTES", "PATIENT_ATTRIBUTES"):
            for meta in self._of_kind("CLINICAL"):
                if meta.datatype == datatype:
                    yield partial(self._read_clinical, meta)
        yield lambda: self._counted(len(self.samples.names))
        for kind, read in self._profile_readers():
            yield partial(self._read_profile, kind, read)
        yield self._read_sequenced
        claimed = [meta.fields.get("data_filename", "") for meta in self._metas]
        for path in panel_paths(self.folder, claimed):
            yield partial(self._read_panel, path)
        yield partial(self._read_profile, "GENE_PANEL_MATRIX", self._take_panel_matrix)
        yield self._settle_panels
        for meta in self._of_kind("GENERIC_ASSAY"):
            if is_signature_file(meta):
                yield partial(self._read_signatures, meta)
        for meta in self._of_kind("GENERIC_ASSAY"):
            if assay_type(meta) == RESPONSES:
                yield partial(self._read_response, meta)
        for meta in self._of_kind("GENERIC_ASSAY"):
            if assay_type(meta) == ERRORS:
                yield partial(self._read_errors, meta)
        yield self._name_genes
        yield lambda: note_unread(self._metas, self.findings)
        yield lambda: warn_of_files_without_meta(self.folder, self._metas, self.findings)

    def _of_kind(self, kind: str) -> list[Meta]:
        return [meta for meta in self._metas if meta.kind == kind]

    def _profile_readers(self) -> list[tuple[str, Callable[[Meta], None]]]:
        return [
            ("MRNA_EXPRESSION", self._take_expression),
            ("PROTEIN_LEVEL", self._take_protein),
            ("COPY_NUMBER_ALTERATION", self._take_copy_number),
            ("MUTATION_EXTENDED", self._take_mutations),
            ("STRUCTURAL_VARIANT", self._take_fusions),
        ]

    def _read_meta(self, path: Path) -> None:
        meta = read_meta(path, self.folder)
        self.digests[meta.name] = meta.digest
        self._metas.append(meta)

    def _read_info(self) -> None:
        own = next((meta for meta in self._metas if meta.name == "meta_study.txt"), None)
        if own is None:
            self.findings.warn(
                "the study has no meta_study.txt, so it goes by the name of its folder.",
                "meta_study.txt",
            )
        self.info = dict(own.fields) if own else {}

    def _read_clinical(self, meta: Meta) -> None:
        table = self._files.table(meta)
        if meta.datatype == "PATIENT_ATTRIBUTES":
            if self.patients is not None:
                self.findings.warn(
                    f"{table.name} replaces {self.patients[0]}: a study has one patient file.",
                    table.name,
                )
            patients = read_attributes(table, "PATIENT_ID")
            self.patients = table.name, patients
            self._say(
                meta, table.name, f"{patients.shape[1]} attributes of {len(patients)} patients"
            )
            self._read_statuses(table.name, patients)
            return
        attributes = read_attributes(table, "SAMPLE_ID")
        again = [name for name in attributes.index if name in self.samples]
        if again:
            message = (
                f"{table.name} lists {len(again)} duplicate sample(s) of another clinical file: "
                f"{some(again)}."
            )
            raise study_error(message, table.name)
        patient = next((c for c in attributes.columns if c.upper() == "PATIENT_ID"), None)
        self.samples.declare(attributes.index, None if patient is None else attributes[patient])
        self._say(
            meta, table.name, f"{attributes.shape[1]} attributes of {len(attributes)} samples"
        )
        self._read_statuses(table.name, attributes)
        self.clinical = pd.concat([self.clinical, attributes])

    def _read_statuses(self, file: str, attributes: pd.DataFrame) -> None:
        """Tell what the words of HER2 attributes say, and which of them decide nothing."""
        grades = tell_statuses(file, attributes, self.findings, self.account)
        self.grades |= grades

    def _read_profile(self, kind: str, take: Callable[[Meta], None]) -> None:
        metas, wanted = self._of_kind(kind), self.wanted.get(kind)
        if not metas and wanted is None:
            return
        choice = choose_profile(metas, wanted)
        for other in choice.unusable:
            self.findings.note(
                f"{other.meta.name} is left out: it holds {other.unusable}.", other.meta.name
            )
        if choice.profile is None:
            return
        chosen = choice.profile.meta
        for other in choice.others:
            data_path(other.meta, self.folder)
            self.findings.note(
                f"{other.meta.name} ({other.meta.datatype}) is not used: {chosen.name} "
                f"({chosen.datatype}) holds the study's {kind}.",
                other.meta.name,
            )
        self.profiles[kind] = choice.profile
        take(chosen)

    def _say(self, meta: Meta, file: str, understood: str, unit: str = "", by: str = "") -> None:
        """Give account of a meta file's data file."""
        self.account.add(file, meta.kind, understood, unit=unit, decided_by=by)

    def _gene_rows(self, meta: Meta) -> GeneRows:
        table = self._files.matrix_table(meta, "Hugo_Symbol")
        mix_ups.refuse_transposed(table, self.samples, "gene")
        return read_gene_rows(table, self.samples, self.findings, self.account, self._store)

    def _take_expression(self, meta: Meta) -> None:
        rows = self._gene_rows(meta)
        mix_ups.refuse_calls(rows)
        mix_ups.refuse_counts(rows)
        profile = self.profiles[meta.kind]
        scale = expression_scale(rows.numbers.sketch, profile, rows.file)
        if scale.kind == CONTINUOUS:
            mix_ups.refuse_impossible_levels(rows, linear=scale.convert is not None)
        flat = [rows.samples[at] for at in np.flatnonzero(rows.numbers.flat).tolist()]
        self._set_flat_aside(flat, rows.file, "expression")
        rows = replace(rows, numbers=rows.numbers.without(rows.numbers.flat))
        if scale.kind == CONTINUOUS and scale.convert is None:
            scale = on_base_two(scale, expression_base(rows.numbers, profile, rows.file))
        self.expression_rows = self._on_scale(meta, rows, scale, "expression")

    def _on_scale(self, meta: Meta, rows: GeneRows, scale: Scale, what: str) -> GeneRows:
        """Rows on Sidestep's scale, of which account is given."""
        understood = f"{what} of {len(rows.symbols):,} gene rows x {len(rows.samples):,} samples"
        self._settle_scale(meta, scale, rows.file, understood)
        if scale.convert is None:
            return rows
        return replace(rows, numbers=rows.numbers.converted(scale.convert))

    def _settle_scale(self, meta: Meta, scale: Scale, file: str, understood: str) -> None:
        self.kinds[meta.kind] = scale.kind
        self._say(meta, file, understood, scale.unit, scale.decided_by)
        if scale.warning:
            self.findings.warn(scale.warning, file)

    def _set_flat_aside(self, samples: Sequence[str], file: str, what: str) -> None:
        """Samples whose numbers are nearly all the same are set aside: failed libraries."""
        if not samples:
            return
        self.account.set_aside(file, "flat samples, as of failed libraries", len(samples))
        why = f"its {what} in {file} is flat: nearly all values are the same, as after a failure"
        self.failed |= dict.fromkeys(samples, why)
        self.findings.warn(
            f"{file}: {len(samples)} sample(s) have nearly the same value for all features, as "
            f"failed ones do, and are set aside: {some(samples)}.",
            file,
        )

    def _take_copy_number(self, meta: Meta) -> None:
        rows = self._gene_rows(meta)
        scale = copy_number_scale(rows.numbers.sketch, self.profiles[meta.kind], rows.file)
        if scale.kind == DISCRETE:
            mix_ups.refuse_other_than_calls(rows)
        if scale.convert is None:
            mix_ups.refuse_swapped(self.expression_rows, rows)
            mix_ups.refuse_impossible_ratios(rows, meta)
            mix_ups.refuse_impossible_levels(rows)
        rows = replace(rows, calls=scale.kind == DISCRETE)
        self.copy_number_rows = self._on_scale(meta, rows, scale, "copy number")

    def _take_protein(self, meta: Meta) -> None:
        table = self._files.matrix_table(meta, "Composite.Element.REF")
        mix_ups.refuse_transposed(table, self.samples, "antibody")
        levels = read_protein_levels(table, self.samples, self.findings, self._store)
        self._take_levels(meta, levels, table.name)

    def _take_levels(self, meta: Meta, levels: ProteinLevels, file: str) -> None:
        """Protein levels on Sidestep's scale, of which account is given."""
        scale = protein_scale(levels, self.profiles[meta.kind], file)
        if scale.kind == LOG2:
            mix_ups.refuse_impossible_proteins(levels, file, linear=is_linear(levels.sketch))
        self._set_flat_aside(levels.flat, file, "protein levels")
        antibodies, samples = len(levels.antibodies), len(levels.values.samples)
        understood = f"protein levels: {antibodies:,} antibodies x {samples:,} samples"
        self._settle_scale(meta, scale, file, understood)
        self.protein = levels if scale.convert is None else levels.converted(scale.convert)

    def _take_mutations(self, meta: Meta) -> None:
        table = self._files.large_table(meta)
        self.calls = read_mutations(table, self.samples, self.findings, self.account)
        self._say(meta, table.name, f"{len(self.calls.calls)} mutation calls")

    def _take_fusions(self, meta: Meta) -> None:
        table = self._files.table(meta)
        self.fusions = read_fusions(table, self.samples)
        self._say(meta, table.name, f"{len(self.fusions)} structural variants")

    def _read_sequenced(self) -> None:
        found = read_case_list(self.folder)
        if found:
            self.digests[found.file] = found.digest
            self.account.add(found.file, "CASE_LIST", f"{len(found.samples)} sequenced samples")
        profile = self.profiles.get("MUTATION_EXTENDED")
        if self.calls is None or profile is None:
            return
        if found is None:
            path = data_path(profile.meta, self.folder)
            found = read_sequenced_header(path, path.relative_to(self.folder).as_posix())
        called = list(self.calls.calls["sample_id"].unique())
        listed, where = (found.samples, found.file) if found else (None, CASE_LIST)
        self.sequenced = sequenced_samples(listed, called, self.samples, self.findings, where)

    def _read_panel(self, path: Path) -> None:
        name, genes, digest = read_panel(path, self.folder)
        self.digests[path.name] = digest
        self.panels[name] = genes
        self.account.add(path.name, "GENE_PANEL", f"gene panel {name} of {len(genes)} genes")

    def _take_panel_matrix(self, meta: Meta) -> None:
        mutations = self.profiles.get("MUTATION_EXTENDED")
        profile = mutations.meta.stable_id if mutations else "mutations"
        table = self._files.table(meta)
        self.panel_of = read_panel_matrix(table, profile, self.panels, self.samples, self.findings)
        self._say(meta, table.name, f"the gene panel of {len(self.panel_of)} samples")

    def _settle_panels(self) -> None:
        """Panel of each sample: the matrix's, else the one that the mutations' meta file names."""
        profile = self.profiles.get("MUTATION_EXTENDED")
        panel = profile.meta.fields.get("gene_panel") if profile else None
        if profile is not None and panel and self.sequenced is not None:
            warn_of_unknown_panels(profile.meta.name, [panel], self.panels, self.findings)
            self.panel_of = {**dict.fromkeys(self.sequenced, panel), **self.panel_of}
        self.panel_of = {
            sample: panel for sample, panel in self.panel_of.items() if panel in self.panels
        }

    def _read_signatures(self, meta: Meta) -> None:
        table = self._files.table(meta)
        mix_ups.refuse_transposed(table, self.samples, "signature")
        found = read_signatures(table, meta, self.samples, self.findings)
        kind = kind_of_scores(meta)
        others = self.kinds.get(meta.kind, kind)
        self.kinds[meta.kind] = kind if kind == others else AS_GIVEN
        self._take_signatures(meta, found, table.name)

    def _take_signatures(self, meta: Meta, found: pd.DataFrame, file: str) -> None:
        """Signatures beside those of other files, of which account is given."""
        understood = f"{found.shape[1]:,} expression signatures x {len(found):,} samples"
        standardised = self.kinds.get(meta.kind) == STANDARDISED
        unit = "standard deviations of the cohort" if standardised else "scores as they are given"
        self._say(meta, file, understood, unit)
        account_for(list(found.columns), file, self.account)
        self.signatures = with_signatures(self.signatures, found, file, self.findings)

    def _read_response(self, meta: Meta) -> None:
        if meta.stable_id in self.responses:
            message = (
                f"{meta.name} repeats the stable_id {meta.stable_id!r} of "
                f"{self.responses[meta.stable_id].meta_path.name}; give each response its own."
            )
            raise study_error(message, meta.name)
        table = self._files.table(meta)
        mix_ups.refuse_transposed(table, self.samples, "drug")
        columns = response_columns(table, meta, self.samples, self.findings)
        file = describe_response(meta, self.folder / table.name, columns)
        self.responses[meta.stable_id] = file
        self._say(
            meta,
            table.name,
            f"drug response {file.stable_id}: {len(table)} drugs x {len(columns)} samples",
            file.unit,
        )
        doubt = file.known_unit and doubtful_direction(file.known_unit, file.higher_is_resistant)
        if doubt:
            self.findings.warn(f"{meta.name}: response {meta.stable_id}: {doubt}.", meta.name)
        if file.higher_is_resistant is None:
            self.findings.warn(
                f"{meta.name} gives no direction, so response {meta.stable_id} cannot be used; add "
                "the line 'value_sort_order: ASC' (low is sensitive) or 'value_sort_order: DESC' "
                "(high is sensitive).",
                meta.name,
            )

    def _read_errors(self, meta: Meta) -> None:
        """Standard errors, which belong to the response whose stable_id theirs begins with."""
        name = meta.stable_id.removesuffix(OF_ERRORS)
        if name == meta.stable_id or name not in self.responses:
            self.findings.warn(
                f"{meta.name} gives errors of no response; let its stable_id be that of a response "
                f"with {OF_ERRORS!r} behind it. They are not read.",
                meta.name,
            )
            return
        table = self._files.table(meta)
        columns = response_columns(table, meta, self.samples, self.findings)
        errors = describe_response(meta, self.folder / table.name, columns)
        self.responses[name] = replace(self.responses[name], errors=errors)
        self._say(
            meta,
            table.name,
            f"standard errors of {name}: {len(table)} drugs x {len(columns)} samples",
            f"in the unit of {name}; lines weigh by them in training",
        )

    def _name_genes(self) -> None:
        """Name the genes of all files, by what all of them know; see `study.gene_names`."""
        matrices = [rows for rows in (self.expression_rows, self.copy_number_rows) if rows]
        given = [gene_pairs(rows.symbols, rows.entrez) for rows in matrices]
        given += [self.calls.entrez] if self.calls else []
        by_entrez = symbols_by_entrez(given)
        problems: list[Problem] = []

        def named(rows: GeneRows | None) -> Matrix | None:
            if rows is None:
                return None
            try:
                matrix, pairs = name_rows(rows, by_entrez, self.findings, self.account)
            except StudyError as error:
                problems.extend(error.problems)
                return None
            given.append(pairs)
            return matrix

        self.expression = named(self.expression_rows)
        self.copy_number = named(self.copy_number_rows)
        self.expression_rows = self.copy_number_rows = None
        problems += self._name_called_genes(by_entrez)
        if given:
            entrez = pd.concat(given)
            self.entrez = entrez[~entrez.index.duplicated()].astype("Int64")
        if problems:
            raise StudyError(problems)

    def _name_called_genes(self, by_entrez: Mapping[int, str]) -> Sequence[Problem]:
        """Name the genes of mutations, panels and structural variants; say what is wrong."""
        called: frozenset[str] = frozenset()
        problems: Sequence[Problem] = ()
        if self.calls is not None:
            count = NameCount()
            genes = name_calls(self.calls.calls["gene"], by_entrez, count)
            self.calls = replace(self.calls, calls=self.calls.calls.assign(gene=genes))
            called = frozenset(genes.astype("str").unique())
            try:
                count.report(self.calls.file, self.findings, self.account)
            except StudyError as error:
                problems = error.problems
        for panel, labels in self.panels.items():
            self.panels[panel] = panel_genes(panel, labels, by_entrez, called, self.findings)
        if self.fusions is not None:
            count = NameCount()
            self.fusions = self.fusions.assign(
                **{at: name_calls(self.fusions[at], by_entrez, count) for at in FUSED_GENES}
            )
        return problems

    def finished_clinical(self) -> tuple[pd.DataFrame, pd.Series]:
        """Clinical attributes of every sample, patients' joined in, and each sample's donor."""
        names = pd.Index(self.samples.names, dtype="str", name="sample_id")
        clinical = self.clinical.reindex(names)
        column = next((c for c in clinical.columns if c.upper() == "PATIENT_ID"), None)
        own = names.to_series(index=names)
        donors = own if column is None else clinical[column].fillna(own)
        clinical = clinical if column is None else clinical.drop(columns=column)
        if self.patients is not None:
            file, patients = self.patients
            clinical = join_patients(clinical, donors, patients, file, self.findings)
        return clinical, self._with_siblings(clinical, donors).rename("donor")

    def _with_siblings(self, clinical: pd.DataFrame, donors: pd.Series) -> pd.Series:
        """Donors, where lines that are known to come from one person share one."""
        # No line of a shared name, which a lineage would tell, has a known relative.
        names = line_names(clinical)
        told, siblings = unite_donors(donors, names, {}, are_lines(clinical))
        if siblings:
            groups = [f"{' and '.join(found.samples)} ({found.why})" for found in siblings]
            self.findings.note(
                f"{len(groups)} group(s) of lines come from one person each, and count as one "
                f"donor: {some(groups)}; give the samples of each one PATIENT_ID."
            )
        return told
