"""An archive becomes a study folder, or one sentence and nothing at all.

After each refusal the folder around is as it was: no half study, no temporary folder, and no
file where none belongs.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from sidestep.features.archives.archive import import_archive
from sidestep.features.errors import InputError
from sidestep.features.simulation.simulate import SimulationPlan, simulate_study
from sidestep.features.study.study import read_study

MIB = 2**20
META = b"cancer_study_identifier: tiny\nname: Tiny\n"
STUDY = {"meta_study.txt": META, "case_lists/cases_all.txt": b"stable_id: tiny_all\n"}

Pack = Callable[..., Path]


@pytest.fixture(params=["tar.gz", "tar", "zip"])
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> Pack:
    """Pack files, in each of the three kinds of archive."""

    def make(files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> Path:
        listed = list(files.items() if isinstance(files, Mapping) else files)
        path = tmp_path / f"study.{request.param}"
        if request.param == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in listed:
                    archive.writestr(name, content)
            return path
        with tarfile.open(path, "w" if request.param == "tar" else "w:gz") as tar:
            for name, content in listed:
                info = tarfile.TarInfo(name)
                info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        return path

    return make


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "breast_sim"
    simulate_study(folder, SimulationPlan(lines=24, genes=120))
    return folder


# What comes out whole


@pytest.mark.slow_but_first
@pytest.mark.parametrize("top", ["", "brca_tcga"])
@pytest.mark.parametrize("form", ["zip", "tar", "gztar"])
def test_a_study_comes_out_as_it_went_in(
    simulated: Path, tmp_path: Path, form: str, top: str
) -> None:
    packed = tmp_path / "packed"
    shutil.copytree(simulated, packed / top)
    archive = Path(shutil.make_archive(str(tmp_path / "study"), form, packed))
    imported = import_archive(archive, tmp_path / "deep" / "out")
    assert contents(imported.folder) == contents(simulated)
    assert imported.study_id == "breast_sim"
    assert imported.files == len(contents(simulated))
    assert imported.size == sum(map(len, contents(simulated).values()))
    assert read_study(imported.folder).digests == read_study(simulated).digests
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["out"]


def test_the_kind_of_archive_is_told_by_content(pack: Pack, tmp_path: Path) -> None:
    archive = pack(STUDY).rename(tmp_path / "download")
    assert contents(import_archive(archive, tmp_path / "out").folder) == STUDY


def test_names_with_dots_and_accents_are_plain_names(pack: Pack, tmp_path: Path) -> None:
    files = {"./brca/./meta_study.txt": META, "./brca/données..txt": b"x", "./brca/...": b"y"}
    folder = import_archive(pack(files), tmp_path / "out").folder
    assert contents(folder) == {"meta_study.txt": META, "données..txt": b"x", "...": b"y"}


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # said as it is built
def test_folders_may_be_listed_more_than_once(pack: Pack, tmp_path: Path) -> None:
    files = [("brca/", b""), ("brca/meta_study.txt", META), ("brca/", b""), ("brca/empty/", b"")]
    folder = import_archive(pack(files), tmp_path / "out").folder
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "meta_study.txt"]


def test_an_archive_in_the_archive_stays_packed(pack: Pack, tmp_path: Path) -> None:
    inner = gzip.compress(b"0" * MIB)
    imported = import_archive(pack({**STUDY, "old/2019.tar.gz": inner}), tmp_path / "out")
    assert imported.packed == ("old/2019.tar.gz",)
    assert (imported.folder / "old" / "2019.tar.gz").read_bytes() == inner


def test_what_macos_adds_is_left_out(pack: Pack, tmp_path: Path) -> None:
    added = {"brca/._meta_study.txt": b"\0", "__MACOSX/brca/._x": b"\0", "brca/.DS_Store": b"\0"}
    added |= {"__MACOSX/": b"", "__MACOSX/brca/": b""}
    imported = import_archive(pack({"brca/meta_study.txt": META, **added}), tmp_path / "out")
    assert contents(imported.folder) == {"meta_study.txt": META}
    assert imported.left_out == 3


@pytest.mark.parametrize("meta", [b"\xff\xfe", b"no colon", b"name: x\n", None])
def test_a_study_that_does_not_say_its_name_comes_out_too(pack: Pack, tmp_path: Path, meta) -> None:
    files = {"meta_rppa.txt": b"x: y", **({} if meta is None else {"meta_study.txt": meta})}
    assert import_archive(pack(files), tmp_path / "out").study_id == ""


def test_the_folder_may_exist_if_it_is_empty(pack: Pack, tmp_path: Path) -> None:
    out, link = tmp_path / "out", tmp_path / "link"
    out.mkdir()
    link.symlink_to(out)
    import_archive(pack(STUDY), link)
    assert contents(out) == STUDY
    assert link.is_symlink()


def test_progress_comes_to_its_end(pack: Pack, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    archive = pack(STUDY)
    import_archive(archive, tmp_path / "out", lambda done, whole: told.append((done, whole)))
    size = archive.stat().st_size
    assert len(told) == 2
    assert all(0 < done <= whole == size for done, whole in told)


# What is no study, or has no place to go


def test_an_unpacking_that_is_ended_leaves_nothing(pack: Pack, tmp_path: Path) -> None:
    archive = pack(STUDY)
    before = sorted(tmp_path.rglob("*"))

    def end(done: int, whole: int) -> None:
        assert sorted(tmp_path.rglob("*")) != before
        raise KeyboardInterrupt  # which SIGTERM becomes

    with pytest.raises(KeyboardInterrupt):
        import_archive(archive, tmp_path / "deep" / "out", end)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_in_use_is_refused_and_left_alone(pack: Pack, tmp_path: Path) -> None:
    archive, out = pack(STUDY), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="already holds files"):
        import_archive(archive, out)
    with pytest.raises(InputError, match="is not a folder"):
        import_archive(archive, out / "mine.txt")
    assert contents(out) == {"mine.txt": b"mine"}
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "out"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"readme.txt": b"hello"}, "no meta_*.txt"),
        ({"a/b/meta_study.txt": META}, "no meta_*.txt"),
        ({"meta_study.txt/x": b""}, "no meta_*.txt"),
        ({"a/meta_study.txt": META, "b/meta_study.txt": META}, "meta files of a, b beside other"),
        ({"a/meta_study.txt": META, "readme.txt": b""}, "meta files of a beside other things"),
        ({}, ""),
    ],
)
def test_an_archive_of_no_study_or_several_is_refused(pack: Pack, refused, files, said) -> None:
    refused(pack(files), said)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"\x1f\x8b", b"meta" * 500, b"\0" * 99])
def test_what_is_no_archive_is_refused(tmp_path: Path, refused, content: bytes) -> None:
    path = tmp_path / "study.zip"
    path.write_bytes(content)
    refused(path, "not a whole .tar.gz, .tgz, .tar or .zip")


def test_a_missing_archive_a_folder_and_a_pipe_are_refused(tmp_path: Path, refused) -> None:
    refused(tmp_path / "none.zip", "does not exist")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "is not a file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is not a file")


# Names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/etc/passwd", "absolute path"),
        ("//host/share/x", "absolute path"),
        ("C:/x", "absolute path"),
        ("../x", "leads out"),
        ("brca/../../x", "leads out"),
        ("brca/case_lists/..", "leads out"),
        ("brca\\..\\..\\x", "backslash"),
        ("brca/a\nb", "control characters"),
        ("brca/\x1b[2Jx", "control characters"),
        ("a/" * 17 + "x", "folders deep"),
        ("brca/" + "é" * 128, "more than 255 bytes"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(pack: Pack, refused, name: str, said: str) -> None:
    refused(pack({"brca/meta_study.txt": META, name: b"harm"}), repr(name)[:100], said)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("brca/data.txt", "brca/data.txt", "is there twice"),
        ("brca/data.txt", "./brca//data.txt", "is there twice"),
        ("brca/data.txt", "brca/DATA.txt", "only in case"),
        ("brca/x/data.txt", "brca/X/other.txt", "only in case"),
        ("brca/caf\u00e9.txt", "brca/cafe\u0301.txt", "coding of accents"),
        ("brca/data", "brca/data/x", "is there twice"),
        ("brca/data/x", "brca/data", "is there twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # said as the attack is built
def test_files_that_overwrite_each_other_are_refused(pack: Pack, refused, one, other, said) -> None:
    refused(pack([("brca/meta_study.txt", META), (one, b"good"), (other, b"harm")]), said)


# Sizes


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # said as the attack is built
def test_too_many_entries_are_refused(pack: Pack, refused) -> None:
    files = [("meta_study.txt", META), *((f"{i % 2}/", b"") for i in range(10_000))]
    refused(pack(files), "more than 10,000 files")


def test_a_file_larger_than_the_limit_is_refused(pack: Pack, refused, monkeypatch) -> None:
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{MIB / 2**30}")
    archive = pack({**STUDY, "data.txt": random.Random(0).randbytes(MIB + 1)})
    refused(archive, "data.txt has more than 1 MiB", "set SIDESTEP_MAX_FILE_GIB")


def test_files_larger_together_than_the_limit_are_refused(
    pack: Pack, refused, monkeypatch, tmp_path: Path
) -> None:
    files = {f"data_{i}.txt": random.Random(i).randbytes(MIB - 4096) for i in range(4)}
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{MIB / 2**30}")
    assert import_archive(pack({**STUDY, **files}), tmp_path / "fits").files == 6
    refused(pack({**STUDY, **files, "x": b"0" * 32_768}), "unpacks to more than 4 MiB", "set SIDES")


# What is broken


def test_an_archive_cut_short_is_refused_wherever_it_is_cut(pack: Pack, refused) -> None:
    files = {"meta_study.txt": META, "a.txt": b"", "b.txt": random.Random(0).randbytes(2000)}
    path = pack(files)
    whole = path.read_bytes()
    used = len(whole.rstrip(b"\0"))
    for length in [*range(0, used, 97), *range(512, used, 512), used - 1]:
        path.write_bytes(whole[:length])
        refused(path, "not a whole")


@pytest.mark.slow_but_first
def test_damage_is_told_or_does_no_harm(pack: Pack, tmp_path: Path) -> None:
    """Bytes changed at random: a study or one sentence, and nothing beside either."""
    path = pack({f"brca/{name}": content for name, content in STUDY.items()})
    whole = path.read_bytes()
    rng = random.Random(0)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 8))):
            data[rng.randrange(len(whole.rstrip(b"\0")))] = rng.randrange(256)
        path.write_bytes(data)
        with suppress(InputError):
            import_archive(path, tmp_path / "out")
            shutil.rmtree(tmp_path / "out")
        assert list(tmp_path.iterdir()) == [path]


# What interrupts


def test_an_interrupt_leaves_nothing(pack: Pack, tmp_path: Path) -> None:
    def interrupt(done: int, whole: int) -> None:
        (partial,) = (tmp_path / "new").iterdir()
        assert partial.name.startswith(".out.partial-")
        raise KeyboardInterrupt

    archive = pack(STUDY)
    with pytest.raises(KeyboardInterrupt):
        import_archive(archive, tmp_path / "new" / "out", interrupt)
    assert list(tmp_path.iterdir()) == [archive]


def test_a_folder_filled_in_the_meantime_is_left_alone(pack: Pack, tmp_path: Path) -> None:
    archive, out = pack(STUDY), tmp_path / "out"

    def fill(done: int, whole: int) -> None:
        out.mkdir(exist_ok=True)
        (out / "mine.txt").write_text("mine")

    with pytest.raises(InputError, match="already holds files"):
        import_archive(archive, out, fill)
    assert contents(out) == {"mine.txt": b"mine"}
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "out"}


def test_a_place_that_cannot_be_written_is_told(pack: Pack, tmp_path: Path) -> None:
    archive = pack(STUDY)
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\)"):
        import_archive(archive, archive / "out")
    for parent in (tmp_path, tmp_path / "new"):
        with pytest.raises(InputError, match=r"cannot be written \(File name too long\)"):
            import_archive(archive, parent / ("x" * 300))
    assert list(tmp_path.iterdir()) == [archive]
