"""`sidestep data` as a person meets it: what it prints, returns and leaves."""

from __future__ import annotations

import io
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sidestep.main import main

ROOT = Path(__file__).parents[3]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command: its exit code, standard output and standard error."""

    def run(*args: str | Path) -> tuple[int, str, str]:
        code = main([str(arg) for arg in args])
        return code, *capsys.readouterr()

    return run


def packed(path: Path, **files: bytes) -> Path:
    """An archive of a study whose files have these names, less ``.txt``."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {"meta_study": b"name: Tiny\n", **files}.items():
            info = tarfile.TarInfo(f"tiny/{name}.txt")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("form", ["gztar", "tar", "zip"])
def test_an_imported_study_is_told_and_passes_the_check(
    run: Run, simulated_study: Path, tmp_path: Path, form: str
) -> None:
    archive = shutil.make_archive(
        str(tmp_path / "study"), form, simulated_study.parent, simulated_study.name
    )
    out = tmp_path / "studies" / "breast"
    code, stdout, stderr = run("data", "import", archive, out)
    assert code == 0
    files = [path for path in simulated_study.rglob("*") if path.is_file()]
    first, last = stdout.splitlines()
    assert re.fullmatch(
        rf"Imported study breast_sim into {out}: {len(files)} files, [\d.]+ [KM]iB", first
    )
    assert last == f"Next: sidestep check {out}"
    assert stderr == ""
    for path in files:
        assert (out / path.relative_to(simulated_study)).read_bytes() == path.read_bytes()
    assert run("check", out)[0] == 0


def test_what_stays_packed_or_out_is_told(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "tiny.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("meta_rppa.txt", "._meta_rppa.txt", "old.zip"):
            tar.addfile(tarfile.TarInfo(name))
    code, stdout, _ = run("data", "import", archive, tmp_path / "out")
    assert code == 0
    assert stdout.splitlines() == [
        f"Imported a study without a name of its own into {tmp_path / 'out'}: 2 files, 0 bytes",
        "Left packed: old.zip",
        "Left out: 1 file(s) that macOS adds to archives",
        f"Next: sidestep check {tmp_path / 'out'}",
    ]


def test_an_attack_is_one_sentence_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    archive = packed(tmp_path / "evil.tgz", **{"../../evil": b"harm"})
    code, stdout, stderr = run("data", "import", archive, tmp_path / "a" / "out")
    assert (code, stdout) == (2, "")
    assert re.fullmatch(
        rf"sidestep: error: archive {archive}: [^\n]+ leads out of [^\n]+\n", stderr
    )
    assert list(tmp_path.iterdir()) == [archive]


def test_a_folder_in_use_is_refused(run: Run, tmp_path: Path) -> None:
    archive = packed(tmp_path / "tiny.tgz")
    code, _, stderr = run("data", "import", archive, tmp_path)
    assert code == 2
    assert "already holds files" in stderr


def import_in_a_process(archive: Path, out: Path, largest_file: int | None = None) -> str:
    """Import in a process of its own, which fails; what it says, less the program's name."""

    def bound() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    done = subprocess.run(
        [sys.executable, "-m", "sidestep", "data", "import", archive, out],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=bound,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()[-1].removeprefix("sidestep: error: ")


@pytest.mark.slow
def test_a_file_too_large_for_the_system_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    archive = packed(tmp_path / "tiny.tgz", data=random.Random(0).randbytes(300_000))
    message = import_in_a_process(archive, tmp_path / "new" / "out", largest_file=200_000)
    assert message == f"{tmp_path}/new/out cannot be written (File too large); make room there."
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.slow
def test_a_full_disk_is_told_and_left_empty(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        archive = packed(tmp_path / "tiny.tgz", data=random.Random(0).randbytes(300_000))
        message = import_in_a_process(archive, disk / "out")
        reason = "No space left on device"
        assert message == f"{disk}/out cannot be written ({reason}); make room there."
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_no_command_shows_what_there_is(run: Run) -> None:
    code, _, stderr = run("data")
    assert code == 2
    assert re.search(
        r"import +Make a study of your own tables, published files, an archive\.", stderr
    )
