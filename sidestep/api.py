"""The Python interface: the verbs of the command line as functions, with results in memory.

Each is reached as ``sidestep.NAME``; nothing of this is imported before. What a user can mend is
an `InputError` (a `ValueError`) of one sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pandas as pd

from sidestep.explained import Explained
from sidestep.features.errors import InputError, require_at_least
from sidestep.features.optional import needed
from sidestep.features.progress import Reporter, sample_progress
from sidestep.features.study.study import Study, read_study
from sidestep.models.registry.load import LoadedModel, load_model
from sidestep.scores import Changes, Scores
from sidestep.serving.evidence.databases import read_outside_knowledge
from sidestep.serving.job import Job
from sidestep.serving.memory import score_in_memory
from sidestep.serving.scoring.options import ScoreOptions

if TYPE_CHECKING:
    from sidestep.features.cells.measures import CellResults
    from sidestep.features.pairs.changes import PairChanges
    from sidestep.features.points.patterns import PointResults
    from sidestep.trained import TrainedPanel
    from sidestep.training.external.evaluation import Evaluation
    from sidestep.training.retrain import Request
    from sidestep.training.survival.screen import Screen

    ModelLike = LoadedModel | TrainedPanel | str | Path

StudyLike = Study | str | Path
PathLike = str | Path


def simulate(
    out: str | Path | None = None,
    seed: int = 0,
    *,
    kind: str = "breast",
    lines: int = 60,
    genes: int = 800,
    noise: float = 0.75,
    missing: float = 0.25,
) -> Study:
    """Simulate a study with known mechanisms; none of its samples is real.

    Parameters
    ----------
    out : path, optional
        New or empty folder to write the study into, with the truth in ``truth/``; by default it
        stays in memory.
    seed : int
        The same seed gives the same study. Studies of one seed share their biology, so that what
        is learned in one holds in the others.
    kind : {"breast", "pancan", "cohort"}
        Breast lines with GI50, lines of many lineages with ln IC50, or tumours without responses.
    lines : int
        Samples.
    genes : int
        Genes with expression and copy number.
    noise : float
        Spread of a response's noise over that of its signal.
    missing : float
        Part of the lines that is not sequenced, 0 to 0.6; other gaps follow.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        If a value is out of its range, or the folder holds files already.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(kind="cohort", lines=8, genes=150)
    >>> len(study.samples), study.simulated
    (8, True)
    """
    from sidestep.features.simulation.plan import SimulationPlan
    from sidestep.features.simulation.simulate import simulate_study

    plan = SimulationPlan(
        kind=kind, lines=lines, genes=genes, seed=seed, noise=noise, missing=missing
    )
    if out is not None:
        simulate_study(out, plan)
        return read_study(out)
    with TemporaryDirectory(prefix="sidestep-simulated-") as folder:
        simulate_study(Path(folder) / plan.study_id, plan)
        return read_study(Path(folder) / plan.study_id).detached()


def train(
    study: StudyLike,
    response: str | None = None,
    drugs: Sequence[str] | None = None,
    panel: str | None = None,
    *,
    trials: int = 20,
    folds: int = 5,
    repeats: int | None = None,
    split: str = "donor",
    seed: int = 0,
    min_lines: int = 20,
    jobs: int | None = None,
    modalities: Sequence[str] | None = None,
    clinical: Sequence[str] = (),
    also: Sequence[str] = (),
    error_weights: bool = True,
    responders: Sequence[str] = (),
    regimen: str | None = None,
    regimen_drugs: str | None = None,
    tracking_uri: str | None = None,
    experiment: str = "sidestep",
    register: str | None = None,
    quiet: bool = True,
) -> TrainedPanel:
    """Learn drug responses, and judge the model on lines held out.

    Nested cross-validation by donor, every drug beside its baselines (the drug's mean, the
    lineage's or subtype's mean, the clinician's single marker), as `sidestep train` does it.
    Nothing is kept on disk unless `tracking_uri` or `register` asks for it.

    Parameters
    ----------
    study : Study or path
    response : str, optional
        Its stable_id, its metric (``"gi50"``) or a part of either; the study's only one by default.
        Or a clinical attribute, such as ``"PCR"``.
    drugs : sequence of str, optional
        Names or synonyms.
    panel : {"her2", "kinase", "all"}, optional
        Drugs to learn where `drugs` does not say; ``"kinase"`` by default.
    trials : int
        Optuna trials a search; 0 takes the usual settings.
    repeats : int, optional
        Assignments to folds; 3 below 100 lines, else 1.
    folds : int
        Folds of the cross-validation; the lines of one donor are never parted.
    split : {"donor", "lineage"}
        What a fold holds out together: donors, or whole lineages.
    seed : int
        The same seed gives the same numbers.
    min_lines : int
        Lines that a drug needs.
    jobs : int, optional
        Processes; one a core by default. The numbers do not depend on it.
    modalities : sequence of str, optional
        Among expression, rppa, mutation, copy_number and signature; all by default.
    clinical : sequence of str
        Clinical attributes to learn from, too.
    also : sequence of str
        Other responses of the study: lines that these screens alone tested are learned from, on
        the scale of `response`. ``["all"]`` is every other screen.
    error_weights : bool
        Whether training lines weigh by the standard errors of their responses, where the study has
        them; metrics count all lines alike.
    responders : sequence of str
        Words of the clinical attribute `response` that mean response, such as ``["pCR"]``.
    regimen, regimen_drugs : str, optional
        Clinical attributes that tell a patient's regimen (``"ARM_CODE"``), and the drugs given,
        which is found where it is not named.
    tracking_uri : str, optional
        MLflow store that keeps runs, pictures and the model.
    experiment : str
        In that store.
    register : str, optional
        Register the model under this name; it becomes ``NAME@champion`` if it passes the gate and
        is no worse than the best version there was. Without `tracking_uri`, in
        ``MLFLOW_TRACKING_URI`` or ``sqlite:///mlflow.db``.
    quiet : bool
        Whether to show no progress on standard error.

    Returns
    -------
    TrainedPanel
        ``metrics``, ``verdict``, ``out_of_fold``, and the ``model``; `score` takes it as it is.

    Raises
    ------
    InputError
        If the study, the response, a drug or the store cannot be used.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> list(trained.metrics.index)
    ['Lapatinib']
    """
    from sidestep.models.engines.options import cores
    from sidestep.training.cli.train import DEFAULT_PANEL
    from sidestep.training.retrain import Request
    from sidestep.training.validation.cross_validation import SPLITS, Plan

    if split not in SPLITS:
        raise InputError(f"split is {split!r}; give one of {', '.join(SPLITS)}")
    if drugs is not None and panel is not None:
        raise InputError("drugs and panel both say what to learn; give one of them")
    jobs = cores() if jobs is None else jobs
    require_at_least(folds=(folds, 2), trials=(trials, 0), seed=(seed, 0), jobs=(jobs, 1))
    require_at_least(min_lines=(min_lines, 10))
    plan = Plan(
        folds=folds,
        repeats=repeats,
        split=split,
        trials=trials,
        seed=seed,
        jobs=jobs,
        modalities=None if modalities is None else tuple(modalities),
        clinical=tuple(clinical),
    )
    request = Request(
        study=study if isinstance(study, Study) else Path(study),
        response=response,
        drugs=None if drugs is None else tuple(drugs),
        panel=panel or DEFAULT_PANEL,
        min_lines=min_lines,
        plan=plan,
        also=tuple(also),
        error_weights=error_weights,
        responders=tuple(responders),
        regimen=regimen,
        regimen_drugs=regimen_drugs,
    )
    if tracking_uri is not None or register is not None:
        return _tracked(request, tracking_uri, experiment, register, quiet=quiet)
    return _untracked(request, quiet=quiet)


def score(
    study: StudyLike,
    model: ModelLike,
    drugs: Sequence[str] | None = None,
    *,
    level: float = 0.8,
    top_k: int = 20,
    her2_context: bool = False,
    call_at: float = 0.75,
    where: str | Sequence[str] = (),
    reference: str = "",
    knowledge: str | Path | None = None,
    assays: Sequence[str | Path] = (),
    tracking_uri: str | None = None,
    quiet: bool = True,
) -> Scores:
    """Predict and explain every sample of a study for every drug of a model, in memory.

    Parameters
    ----------
    study : Study or path
    model : LoadedModel, TrainedPanel, str or path
        What `load_model` or `train` returned, an address (``models:/NAME@champion``) or a folder.
    drugs : sequence of str, optional
        Names or synonyms; all drugs of the model by default.
    level : float
        Share of samples whose response the intervals are to hold, 0.5 to 0.99.
    top_k : int
        Features named in each explanation.
    her2_context : bool
        Whether percentiles and calls refer to the HER2-high training lines alone.
    call_at : float
        Probability of resistance from which on a sample is called resistant, and of sensitivity
        from which on it is called sensitive; over 0.5 and under 1.
    where : str or sequence of str
        Score only samples of which a clinical attribute, ``her2`` or ``lineage`` says so, such as
        ``"HER2_STATUS=Positive"``, ``"her2=high"`` or ``"AGE<50"``. Their scores are those that
        they have in the whole study.
    reference : str
        Name of the model's cohort (`reference`) that all samples but cell lines are answered
        among; ``"lines"`` for none. By default a tumour is answered among the one that has its
        modalities.
    knowledge : path, optional
        Folder with CIViC, Hallmark, PROGENy and Reactome, of which any may be missing;
        ``~/.cache/sidestep/knowledge`` by default.
    assays : sequence of path
        Folders of `sidestep fit`, `shift`, `synergy`, `perturb` or `cells`: what they found in a
        sample stands beside its scores as evidence of kind ``measured``.
    tracking_uri : str, optional
        MLflow store of an address.
    quiet : bool
        Whether to show no progress on standard error.

    Returns
    -------
    Scores
        Data frames that equal the files of `sidestep score`; ``write`` makes its folder.

    Raises
    ------
    InputError
        If the study, the model, a drug, filter or option cannot be used, or no sample can be
        scored.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> cohort = sidestep.simulate(kind="cohort", lines=8, genes=150)
    >>> scores = sidestep.score(cohort, trained)
    >>> scores.table("prediction").shape
    (8, 1)
    """
    if not 0.5 <= level <= 0.99:
        raise InputError(f"level is {level}; give a share from 0.5 to 0.99")
    require_at_least(top_k=(top_k, 1))
    subject = study if isinstance(study, Study) else read_study(study)
    job = Job.of(
        subject,
        _loaded(model, tracking_uri),
        drugs,
        ScoreOptions(top_k, level, her2_context, call_at, reference),
        read_outside_knowledge(
            None if knowledge is None else Path(knowledge), [Path(folder) for folder in assays]
        ),
        where=where,
    )
    with sample_progress(len(job.study.samples), quiet=quiet) as progress:
        return Scores(score_in_memory(job, progress), subject)


def reference(
    model: ModelLike,
    study: StudyLike,
    name: str,
    *,
    where: str | Sequence[str] = (),
    tracking_uri: str | None = None,
    quiet: bool = True,
) -> LoadedModel:
    """Predict tumours once, and give the model with them as a cohort to answer others among.

    It stays in memory; `sidestep reference` keeps it with a registered version or a folder.

    Parameters
    ----------
    model : LoadedModel, TrainedPanel, str or path
        As for `score`.
    study : Study or path
        At least 20 tumours; cell lines and normal tissue in it are left out.
    name : str
        Of the cohort, as the scores name it.
    where : str or sequence of str
        Only samples that meet these filters, such as ``"HER2_STATUS=Positive"``.
    tracking_uri : str, optional
        MLflow store of an address.
    quiet : bool
        Whether to show no progress on standard error.

    Returns
    -------
    LoadedModel
        The same model, with the cohort among its ``references``; an earlier one of that name is
        replaced.

    Raises
    ------
    InputError
        If the study, the model, the name or a filter cannot be used, or there are fewer than 20
        tumours.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> cohort = sidestep.simulate(kind="cohort", lines=60, genes=150, missing=0)
    >>> model = sidestep.reference(trained, cohort, "tumours")
    >>> sidestep.score(cohort, model).scores["reference"].unique().tolist()
    ['tumours']
    """
    from sidestep.features.cohorts import cohort_of, restrict
    from sidestep.models.predictor.cohort_files import check_cohort_name
    from sidestep.serving.cohorts import make_cohort

    loaded = _loaded(model, tracking_uri)
    check_cohort_name(name)
    subject = study if isinstance(study, Study) else read_study(study)
    chosen = cohort_of(subject, where)
    with sample_progress(len(chosen.samples), quiet=quiet) as progress:
        cohort = make_cohort(
            loaded,
            restrict(subject, chosen),
            name,
            where="; ".join(chosen.written),
            progress=progress,
        )
    return replace(loaded, references={**loaded.references, name: cohort})


def explain(
    scores: Scores, sample: str, drug: str, set: Changes | None = None, *, top_k: int = 10
) -> Explained:
    """Say why the model predicts what it does for one sample, or would if it were different.

    Parameters
    ----------
    scores : Scores
        As `score` returns them.
    sample, drug : str
        Regardless of case and punctuation; the drug also by a synonym.
    set : str, sequence or mapping, optional
        What to change, such as ``"ERBB2=+2sd"`` or ``{"mutation:PIK3CA": 1}``; see
        `sidestep explain --help`. Without it, the smallest changes of the call are looked for.
    top_k : int
        Features named.

    Returns
    -------
    Explained
        ``features``, ``mechanisms``, ``flips`` or ``changes``; it prints as text.

    Raises
    ------
    InputError
        If sample, drug or a change is not known or cannot be used.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> scores = sidestep.score(study, trained)
    >>> sample = scores.samples[0]
    >>> before = sidestep.explain(scores, sample, "lapatinib")
    >>> after = sidestep.explain(scores, sample, "lapatinib", set={"ERBB2": "+2sd"})
    >>> len(before.features), after.changes.empty
    (10, False)
    """
    return scores.explain(sample, drug, set, top_k=top_k)


def combine(
    scores: Scores,
    at_least: float = 75.0,
    *,
    samples: Sequence[str] | None = None,
    drugs: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Name partner drugs for the samples that are predicted to resist a drug.

    Published rules and the model's own predictions stay apart; no synergy is claimed. A HER2 drug
    has partners only where HER2 drives the sample.

    Parameters
    ----------
    scores : Scores
        As `score` returns them.
    at_least : float
        Resistance percentile, 50 to 100, from which a drug counts as failing although the call is
        uncertain, or the model abstains.
    samples, drugs : sequence of str, optional
        Those to look at; all by default.

    Returns
    -------
    DataFrame
        A row a sample, drug that fails and partner, with reason, caveat and source.

    Raises
    ------
    InputError
        If `at_least` is out of its range, or a sample or drug was not scored.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> partners = sidestep.combine(sidestep.score(study, trained))
    >>> list(partners.columns[:5])
    ['sample_id', 'drug', 'basis', 'rank', 'partner']
    """
    return scores.combine(at_least, samples=samples, drugs=drugs)


def evaluate(
    study: StudyLike,
    model: ModelLike,
    response: str | None = None,
    drugs: Sequence[str] | None = None,
    *,
    new_only: bool = False,
    where: str | Sequence[str] = (),
    group: str | None = None,
    ablate: Sequence[str] = (),
    level: float = 0.8,
    call_at: float = 0.75,
    bootstrap: int = 1000,
    seed: int = 0,
    tracking_uri: str | None = None,
) -> Evaluation:
    """Hold a model against the responses that another study measured.

    Lines that the model has learned from are answered by the models of the folds that had not
    seen them. On another scale than the model's there are correlations only.

    Parameters
    ----------
    study : Study or path
    model : LoadedModel, TrainedPanel, str or path
        As for `score`.
    response : str, optional
        Of the study: stable_id, metric, or a part of either; its only one by default.
    drugs : sequence of str, optional
        Names or synonyms; all that model and response share by default.
    new_only : bool
        Whether to leave out lines that the model has learned from, and their siblings.
    where : str or sequence of str
        Samples to evaluate, such as ``"her2=high"`` or ``"AGE<50"``.
    group : str, optional
        A clinical attribute to tell results by, beside lineage, modalities and HER2.
    ablate : sequence of str
        Modalities to permute among the lines, for what each is worth.
    level : float
        Of the intervals, 0.5 to 0.99.
    call_at : float
        Probability of resistance, or of none, that counts as a call; 0.5 to 1.
    bootstrap : int
        Draws of donors for the intervals, at least 100.
    seed : int
    tracking_uri : str, optional
        MLflow store of an address.

    Returns
    -------
    Evaluation
        ``table()`` has a row a drug, ``table("lineage")`` one a lineage, ``pairs`` every line and
        drug; it prints as the command does, and ``write`` makes its folder.

    Raises
    ------
    InputError
        If the study, the model, a drug or an option cannot be used, or no line is left.

    Examples
    --------
    >>> import sidestep
    >>> study = sidestep.simulate(lines=40, genes=150)
    >>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
    >>> evaluation = sidestep.evaluate(study, trained, bootstrap=100)
    >>> list(evaluation.table().index)
    ['Lapatinib']
    """
    from threadpoolctl import threadpool_limits

    from sidestep.training.external.evaluation import EvaluationOptions, evaluate_model

    options = EvaluationOptions(
        new_only=new_only,
        level=level,
        call_at=call_at,
        where=(where,) if isinstance(where, str) else tuple(where),
        group=group,
        ablate=tuple(ablate),
        bootstrap=bootstrap,
        seed=seed,
    )
    subject = study if isinstance(study, Study) else read_study(study)
    loaded = _loaded(model, tracking_uri)
    with threadpool_limits(1):  # a sum must not depend on the machine's cores
        return evaluate_model(subject, loaded, response, drugs, options)


def screen_survival(
    study: StudyLike,
    genes: str | Sequence[str] = "rtk",
    group: str = "her2",
    endpoint: str | None = None,
    *,
    out: str | Path | None = None,
    fdr: float = 0.05,
    bootstrap: int = 1000,
    quiet: bool = True,
) -> Screen:
    """Ask which genes' expression goes with survival. Needs scikit-survival.

    Each gene alone: concordance index, hazard ratio, and the log-rank test between patients above
    and below its median, with the false discovery rate over all genes.

    Parameters
    ----------
    study : Study or path
    genes : str or sequence of str
        ``"rtk"`` (the 58 receptor tyrosine kinases), or Hugo symbols.
    group : str
        ``"her2"``, ``"all"``, or ``ATTRIBUTE=VALUE`` of the clinical attributes.
    endpoint : {"os", "rfs", "dfs", "pfs", "dss", "dmfs"}, optional
        The first of these that the study has by default.
    out : path, optional
        Folder to write table, forest plot and Kaplan-Meier curves into.
    fdr : float
        False discovery rate up to which a gene counts as significant.
    bootstrap : int
        Samples drawn for the interval of a concordance index.
    quiet : bool
        Whether to show no progress on standard error.

    Returns
    -------
    Screen
        ``table`` has a row a gene.

    Raises
    ------
    InputError
        If scikit-survival is missing, or study, genes, group or endpoint cannot be used.

    Examples
    --------
    >>> import sidestep
    >>> import pandas as pd
    >>> names = [f"S{number}" for number in range(30)]
    >>> levels = pd.DataFrame({"MET": [float(n % 7) for n in range(30)]}, index=names)
    >>> clinical = pd.DataFrame(
    ...     {"OS_MONTHS": [60.0 - 5 * (n % 7) for n in range(30)], "OS_STATUS": "1:DECEASED"},
    ...     index=names,
    ... )
    >>> study = sidestep.Study.from_frames(expression=levels, clinical=clinical)
    >>> screen = sidestep.screen_survival(study, ["MET"], group="all", bootstrap=100)
    >>> screen.table.loc[0, ["gene", "direction"]].tolist()
    ['MET', 'worse']
    """
    require_at_least(bootstrap=(bootstrap, 100))
    with needed("scikit-survival", "screen_survival", "sksurv"):
        from sidestep.training.survival.output import require_replaceable, write_screen
        from sidestep.training.survival.screen import Settings, screen_genes
    from sidestep.training.survival.cohort import gather_cohort
    from sidestep.training.survival.genes import choose_genes

    if out is not None:
        require_replaceable(out)
    named = genes if isinstance(genes, str) else ",".join(genes)
    wanted = choose_genes(genes) if isinstance(genes, str) else tuple(dict.fromkeys(genes))
    subject = study if isinstance(study, Study) else read_study(study)
    cohort = gather_cohort(subject, group, endpoint)
    with Reporter(quiet=quiet) as progress:
        screen = screen_genes(cohort, wanted, Settings(fdr=fdr, bootstrap=bootstrap), progress)
    if out is not None:
        write_screen(screen, out, named)
    return screen


def pairs(
    study: StudyLike,
    before: str,
    after: str,
    *,
    response: str = "",
    responders: Sequence[str] = (),
    out: str | Path | None = None,
    fdr: float = 0.05,
) -> PairChanges:
    """Say what changed between two biopsies of each patient.

    The change of every level (RNA, protein, copy number, signature) and mechanism score is tested
    over the patients by the paired t-test and, where `response` says who responded, in either group
    and between them; with the false discovery rate over all levels, and over all scores.

    Parameters
    ----------
    study : Study or path
        Samples of one ``PATIENT_ID`` are paired.
    before, after : str
        Samples before and after treatment: ``"TIMEPOINT=baseline"``, or a value that one clinical
        attribute has.
    response : str
        Clinical attribute that tells who responded, or a response of 0 and 1.
    responders : sequence of str
        Words of the attribute that mean response, such as ``["pCR"]``.
    out : path, optional
        New folder to write tables, plots and page into.
    fdr : float
        False discovery rate up to which a change counts.

    Returns
    -------
    PairChanges
        ``tests`` has a row a feature and group, ``changes`` a column a patient.

    Raises
    ------
    InputError
        If fewer than three patients have both samples, or study, attributes or words cannot be
        used.

    Examples
    --------
    >>> import sidestep
    >>> import pandas as pd
    >>> names = [f"P{number}-{visit}" for visit in "12" for number in range(6)]
    >>> levels = pd.DataFrame({"MKI67": [6.0, 7, 8, 6, 7, 8, 3, 5, 5, 2, 4, 6]}, index=names)
    >>> clinical = pd.DataFrame(
    ...     {"PATIENT_ID": [name[:2] for name in names], "VISIT": [name[-1] for name in names]},
    ...     index=names,
    ... )
    >>> study = sidestep.Study.from_frames(rppa=levels, clinical=clinical)
    >>> found = sidestep.pairs(study, "VISIT=1", "VISIT=2")
    >>> found.tests.loc[0, ["feature", "verdict"]].tolist()
    ['rppa:MKI67', 'falls']
    """
    from sidestep.features.files.study_writer import require_free
    from sidestep.features.pairs.changes import find_changes
    from sidestep.features.pairs.pairing import find_pairs
    from sidestep.training.assays.pairs_output import write_pairs

    if out is not None:
        require_free(out)
    subject = study if isinstance(study, Study) else read_study(study)
    found = find_changes(subject, find_pairs(subject, before, after, response, responders), fdr)
    if out is not None:
        write_pairs(found, subject, Path(out))
    return found


def cells(
    tables: PathLike | Sequence[PathLike],
    *,
    sample: str = "",
    about: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    markers: Sequence[str] = (),
    layer: str | None = None,
    scale: str = "",
    cofactor: float = 5.0,
    thresholds: Mapping[str, float] | None = None,
    clusters: int = 0,
    seed: int = 0,
    out: str | Path | None = None,
) -> CellResults:
    """Say what single cells tell of their samples: shares of states, gates, spread, clusters.

    Parameters
    ----------
    tables : path or sequence of path
        A row a cell, levels of markers in columns: CSV, TSV, Parquet or ``.h5ad``.
    sample : str
        Where no column names it.
    about : path, optional
        A table that tells sample, field or cluster of the cells.
    columns : mapping of str to str, optional
        ``sample``, ``cell``, ``cluster`` or ``field`` -> column that holds it.
    markers : sequence of str
        Columns or genes to look at; all columns of numbers by default.
    layer : str, optional
        Of an ``.h5ad``.
    scale : {"", "linear", "log2", "arcsinh"}
        Of the levels; by the levels where empty.
    cofactor : float
        What arcsinh divides levels by.
    thresholds : mapping of str to float, optional
        Marker -> level from which on it is high, in place of a gate.
    clusters : int
        Clusters to find where no column names them; 0: up to six, 1: none.
    seed : int
        The same seed gives the same clusters.
    out : path, optional
        New folder for what `sidestep cells` writes.

    Returns
    -------
    CellResults
        ``shares``, ``markers``, ``gates`` and ``clusters``.

    Raises
    ------
    InputError
        If a table or option cannot be used.

    Examples
    --------
    >>> import sidestep
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> rng = np.random.default_rng(0)
    >>> her2 = np.r_[rng.normal(5, 0.5, 40), rng.normal(9, 0.5, 360)]
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/BT474.csv"
    ...     pd.DataFrame({"HER2": her2}).to_csv(path, index=False)
    ...     found = sidestep.cells(path)
    >>> print(*found.shares.loc[0, ["state", "share"]])
    her2_low 0.1
    """
    from sidestep.features.cells.measures import CellOptions, measure_cells
    from sidestep.features.cells.tables import read_cells

    options = CellOptions(scale, cofactor, dict(thresholds or {}), clusters, seed=seed)
    table = read_cells(
        _paths(tables), sample=sample, about=None if about is None else Path(about),
        columns=columns, markers=markers, layer=layer,
    )  # fmt: skip
    found = measure_cells(table, options)
    if out is not None:
        from sidestep.features.cells.pseudo_bulk import pseudo_bulk
        from sidestep.training.assays.cells_output import write_cells

        name = Path(out).resolve().name
        write_cells(found, table, pseudo_bulk(table, found, f"{name}_clusters"), Path(out), name)
    return found


def labels(
    tables: PathLike | Sequence[PathLike],
    *,
    unit: str = "",
    sample: str = "",
    window: str | Path = "rectangle",
    duplicates: str = "refuse",
    largest: float = 0.0,
    dimer: float = 0.0,
    simulations: int = 199,
    fdr: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
) -> PointResults:
    """Say what positions of labels on cells tell: K, L, g, dimers, and cells without dimers.

    Parameters
    ----------
    tables : path or sequence of path
        A row a label: x, y with their unit, cell, and where there are any sample, state and type.
    unit : str
        Of positions whose columns do not say it: nm, um, mm or angstrom.
    sample : str
        Where no column names it.
    window : str or path
        ``"rectangle"`` or ``"hull"`` around a cell's labels, or a file of windows.
    duplicates : {"refuse", "once", "keep"}
        What becomes of labels of one kind at one place.
    largest : float
        Largest distance of K and g in nm; 0: by window and density.
    dimer : float
        About how far apart the labels of a dimer are, in nm; 0: found.
    simulations : int
        Random patterns of the envelope test; 0 for no test.
    fdr : float
        False discovery rate up to which something counts as found.
    seed : int
        The same seed gives the same test.
    out : path, optional
        New folder for what `sidestep cells` writes.

    Returns
    -------
    PointResults
        ``cells``, ``groups`` and ``curves``.

    Raises
    ------
    InputError
        If a table or option cannot be used.

    Examples
    --------
    >>> import sidestep
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tempfile import TemporaryDirectory
    >>> x, y = np.random.default_rng(0).uniform(0, 2500, (2, 200))
    >>> with TemporaryDirectory() as folder:
    ...     path = f"{folder}/SKBR3.csv"
    ...     pd.DataFrame({"x_nm": x, "y_nm": y}).to_csv(path, index=False)
    ...     found = sidestep.labels(path, simulations=39)
    >>> print(*found.groups.loc[0, ["cells", "labels", "arrangement"]])
    1 200 random
    """
    from sidestep.features.points.labels import read_labels
    from sidestep.features.points.measured import PointOptions
    from sidestep.features.points.patterns import measure_patterns

    options = PointOptions(largest, dimer, simulations, fdr=fdr, seed=seed)
    read = read_labels(
        _paths(tables), unit=unit, sample=sample, window=str(window), duplicates=duplicates
    )
    found = measure_patterns(read, options)
    if out is not None:
        from sidestep.training.assays.points_output import write_points

        write_points(found, read, Path(out), Path(out).resolve().name)
    return found


def _paths(tables: PathLike | Sequence[PathLike]) -> list[Path]:
    """The paths of one table or several."""
    return [Path(path) for path in ([tables] if isinstance(tables, str | Path) else tables)]


def _untracked(request: Request, *, quiet: bool) -> TrainedPanel:
    """Retrain, and keep nothing."""
    from threadpoolctl import threadpool_limits

    from sidestep.models.engines.local import LocalEngine
    from sidestep.trained import TrainedPanel
    from sidestep.training.retrain import retrain

    with ExitStack() as context:
        context.enter_context(threadpool_limits(1))  # a sum must not depend on the machine's cores
        progress = context.enter_context(Reporter(quiet=quiet))
        engine = context.enter_context(LocalEngine(request.plan.jobs))
        return TrainedPanel.in_memory(retrain(request, progress, engine))


def _tracked(
    request: Request,
    tracking_uri: str | None,
    experiment: str,
    register: str | None,
    *,
    quiet: bool,
) -> TrainedPanel:
    """Retrain, and keep runs and model in a store."""
    from sidestep.trained import TrainedPanel
    from sidestep.training.train import Where, run_train

    kept = run_train(request, Where(tracking_uri, experiment), register, quiet=quiet)
    return TrainedPanel.of_run(kept.retrain, kept.run, tracking_uri)


def _loaded(model: ModelLike, tracking_uri: str | None) -> LoadedModel:
    """The model itself, loaded if it is an address or a folder."""
    if isinstance(model, str | Path):
        return load_model(model, tracking_uri)
    return model if isinstance(model, LoadedModel) else model.model
