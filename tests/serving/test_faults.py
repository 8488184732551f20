"""Whatever befalls a scoring job, running it again gives what it would have given undisturbed.

Jobs run as processes of their own, forked from one that has imported everything and done one job,
so that each takes a fraction of a second. They are the real command; nothing in it knows that it
is tested.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidestep.serving.job import FILES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
#: 3 chunks of the 24 samples, of 6 parts each: what a chunk takes is what a job takes.
CHUNK = 8
# Does the job of its own arguments, then reads a job a line: its arguments, where to leave what it
# prints, and what is wrong with the world. Answers with its process. "wait" and a process asks for
# that one's exit code.
SERVER = """
import json, os, resource, sys, time
from sidestep.main import main

def work(job):
    shown = os.open(job["shown"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(shown, 1)
    os.dup2(shown, 2)
    if job["largest_file"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["largest_file"],) * 2)
    if job["clock"]:
        true = time.time
        time.time = lambda: true() + job["clock"]
    return main(job["args"])

printed = os.dup(1)
os.dup2(2, 1)
assert main(sys.argv[1:]) == 0
sys.stdout.flush()
os.dup2(printed, 1)
for line in sys.stdin:
    job = json.loads(line)
    if "wait" in job:
        print(os.waitstatus_to_exitcode(os.waitpid(job["wait"], 0)[1]), flush=True)
        continue
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work(job)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    print(child, flush=True)
"""


class Jobs:
    """Starts scoring jobs of one study and model, and says how they ended."""

    def __init__(self, study: Path, model: Path, shown: Path, **environment: str) -> None:
        self._common = ["score", str(study), "--model", str(model), "--chunk-size", str(CHUNK)]
        self._common += ["--drugs", "Lapatinib"]
        self._shown = shown
        first = [*self._common, "--quiet", "--out", str(shown / "first")]
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, *first],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        )

    def _ask(self, question: dict[str, object]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def start(
        self, out: Path, *options: str, largest_file: int | None = None, clock: float = 0
    ) -> int:
        """Process of a new job that writes `out`."""
        args = [*self._common, "--out", str(out), *options]
        shown = str(self._shown / "latest")
        world = {"largest_file": largest_file, "clock": clock}
        return self._ask({"args": args, "shown": shown, **world})

    def wait(self, process: int) -> int:
        """Exit code, negative for a signal."""
        return self._ask({"wait": process})

    def run(self, out: Path, *options: str, **world: float) -> tuple[int, str]:
        """Exit code of a job that writes `out`, and what it printed."""
        code = self.wait(self.start(out, *options, **world))  # type: ignore[arg-type]
        return code, (self._shown / "latest").read_text()

    def kill_when(self, out: Path, moment: Callable[[], bool], *options: str) -> bool:
        """Start a job and kill it at a moment; whether that came before its end."""
        process = self.start(out, *options)
        deadline = time.monotonic() + 60
        while not moment() and time.monotonic() < deadline:
            time.sleep(0.0005)
        os.kill(process, signal.SIGKILL)
        code = self.wait(process)
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def close(self) -> None:
        self._server.communicate(timeout=60)


@pytest.fixture(scope="module")
def jobs(
    simulated: Path, saved_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jobs]:
    started = Jobs(simulated / "cohort_sim", saved_model, tmp_path_factory.mktemp("shown"))
    yield started
    started.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def undisturbed(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Name -> bytes of what a job gives that nothing befalls."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    code, shown = jobs.run(out)
    assert code == 0, shown
    assert sorted(contents(out)) == sorted(FILES)
    return contents(out)


@pytest.fixture(scope="module")
def yesterday(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An earlier output, of another drug."""
    out = tmp_path_factory.mktemp("yesterday") / "out"
    assert jobs.run(out, "--drugs", "Trametinib")[0] == 0
    return out


def parts(out: Path) -> list[Path]:
    """Finished tables of finished or unfinished chunks."""
    return sorted((out.parent / f".{out.name}.partial").glob("*.chunk"))


def standing(out: Path) -> dict[str, bytes] | None:
    """The output that is there, or is set aside between two renames."""
    aside = out.parent / f".{out.name}.partial" / "replaced"
    place = out if out.exists() else aside
    return contents(place) if place.exists() else None


def assert_done(out: Path, expected: dict[str, bytes]) -> None:
    """The whole output is there, to the byte, and nothing else beside it."""
    assert contents(out) == expected
    assert list(out.parent.iterdir()) == [out]


def assert_refused(shown: str, *parts: str) -> None:
    """The job ended with one sentence that says these things; notes may stand before it."""
    *notes, sentence = shown.splitlines()
    assert sentence.startswith("sidestep: error: ")
    assert not [note for note in notes if not re.match("sidestep: (note|scored)", note)]
    for what in parts:
        assert what in sentence


@pytest.fixture(scope="module")
def duration(jobs: Jobs, undisturbed: dict[str, bytes], tmp_path_factory) -> float:
    """Seconds that an undisturbed job takes."""
    started = time.monotonic()
    assert jobs.run(tmp_path_factory.mktemp("timed") / "out")[0] == 0
    return time.monotonic() - started


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_a_random_moment(
    jobs: Jobs, undisturbed, yesterday: Path, duration: float, tmp_path: Path, seed: int
) -> None:
    out = tmp_path / "out"
    before: dict[str, bytes] | None = None
    if seed % 2:
        shutil.copytree(yesterday, out)
        before = contents(out)
    moment = time.monotonic() + random.Random(seed).uniform(0, duration)
    jobs.kill_when(out, lambda: time.monotonic() >= moment)
    assert standing(out) in (before, undisturbed)
    code, shown = jobs.run(out)
    assert code == 0, shown
    assert_done(out, undisturbed)


@pytest.fixture(scope="module")
def jobs_from_disk(
    simulated: Path, saved_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Jobs]:
    """Jobs that hold no matrix in memory, and read text a few lines at a time."""
    shown = tmp_path_factory.mktemp("shown")
    started = Jobs(simulated / "cohort_sim", saved_model, shown, SIDESTEP_HELD_MIB="0.001")
    yield started
    started.close()


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_a_random_moment_while_matrices_are_on_disk(
    jobs_from_disk: Jobs, undisturbed, duration: float, tmp_path: Path, seed: int
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        moment = time.monotonic() + random.Random(seed).uniform(0, duration)
        jobs_from_disk.kill_when(out, lambda moment=moment: time.monotonic() >= moment)
    code, shown = jobs_from_disk.run(out)
    assert code == 0, shown
    assert_done(out, undisturbed)


@pytest.mark.parametrize("n_files", [1, 3, 6])
def test_killed_while_matrices_are_laid_out(
    jobs_from_disk: Jobs, undisturbed, tmp_path: Path, n_files: int
) -> None:
    out, kept = tmp_path / "out", tmp_path / ".out.matrices"
    assert jobs_from_disk.kill_when(out, lambda: len(list(kept.glob("*"))) >= n_files)
    assert not out.exists()
    assert jobs_from_disk.run(out)[0] == 0
    assert_done(out, undisturbed)


@pytest.mark.parametrize("n_parts", [0, 1, 2])
def test_killed_after_so_many_parts(jobs: Jobs, undisturbed, tmp_path: Path, n_parts: int) -> None:
    out = tmp_path / "out"
    work = tmp_path / ".out.partial"
    journal = work / "journal.jsonl"
    assert jobs.kill_when(out, lambda: journal.exists() and len(parts(out)) >= n_parts)
    assert not out.exists()
    assert (tmp_path / ".out.lock").exists()  # of a dead process: it keeps nobody out
    finished = journal.read_bytes().count(b"\n") - 1
    assert finished >= n_parts - 1
    code, shown = jobs.run(out)
    assert code == 0
    went_on = f"going on with an earlier run: {finished * CHUNK} of 24 samples are done"
    assert (went_on in shown) == (finished > 0)
    assert_done(out, undisturbed)


def test_killed_again_and_again(jobs: Jobs, undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for n_parts in (1, 2):
        assert jobs.kill_when(out, lambda n_parts=n_parts: len(parts(out)) >= n_parts)
    code, shown = jobs.run(out)
    assert code == 0
    assert "going on with an earlier run" in shown
    assert_done(out, undisturbed)


@pytest.mark.parametrize("file", ["scores.csv", "manifest.json"])
def test_killed_while_the_results_are_written(
    jobs: Jobs, undisturbed, yesterday: Path, tmp_path: Path, file: str
) -> None:
    out = shutil.copytree(yesterday, tmp_path / "out")
    written = tmp_path / ".out.partial" / "output" / file
    jobs.kill_when(out, written.exists)
    assert standing(out) in (contents(yesterday), undisturbed)
    assert jobs.run(out)[0] == 0
    assert_done(out, undisturbed)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [halve, flip, Path.unlink])
def test_damaged_chunks_are_scored_again(
    jobs: Jobs, undisturbed, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    out = tmp_path / "out"
    smaller = ("--chunk-size", "4")  # six chunks
    jobs.kill_when(out, lambda: len(parts(out)) > 4, *smaller)
    for number in range(4):
        damage(tmp_path / ".out.partial" / f"{number:06d}.chunk")
    code, shown = jobs.run(out, *smaller)
    assert code == 0
    warned = re.findall(
        r"^sidestep: warning: (\S+) is damaged; its samples are scored", shown, re.M
    )
    assert [Path(path).name[:6] for path in warned] == [f"{number:06d}" for number in range(4)]
    assert_done(out, undisturbed)


def test_the_clock_may_jump(jobs: Jobs, undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs.kill_when(out, lambda: len(parts(out)) > 1)
    files = [*parts(out), tmp_path / ".out.partial" / "journal.jsonl", tmp_path / ".out.lock"]
    for number, path in enumerate(files):
        at = 0 if number % 2 else 4_000_000_000
        os.utime(path, (at, at))
    code, shown = jobs.run(out, clock=-1e9)
    assert code == 0
    assert "warning" not in shown
    assert_done(out, undisturbed)
    assert jobs.run(out, clock=1e9)[0] == 0
    assert_done(out, undisturbed)


def test_only_one_of_several_jobs_writes_at_a_time(jobs: Jobs, undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = jobs.start(out)
    while not parts(out):
        time.sleep(0.001)
    os.kill(first, signal.SIGSTOP)  # so that it is surely still at work
    for _ in range(2):
        code, shown = jobs.run(out)
        assert code == 2
        assert_refused(shown, f"{out} is being written by another job (process {first} on ")
    os.kill(first, signal.SIGCONT)
    assert jobs.wait(first) == 0
    assert_done(out, undisturbed)


def test_jobs_started_together_do_not_interleave(jobs: Jobs, undisturbed, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    codes = [jobs.wait(process) for process in [jobs.start(out) for _ in range(6)]]
    assert set(codes) <= {0, 2}
    assert 0 in codes
    assert_done(out, undisturbed)


def test_a_file_too_large_is_told_with_how_far_it_came(
    jobs: Jobs, undisturbed, yesterday: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(yesterday, tmp_path / "out")
    largest = max(map(len, undisturbed.values()))
    code, shown = jobs.run(out, largest_file=largest - 1)
    assert code == 2
    work = tmp_path / ".out.partial"
    done = f"24 of 24 samples are done and kept in {work}"
    assert_refused(shown, f"{out} cannot be written (File too large; {done}); make room", "go")
    assert contents(out) == contents(yesterday)
    assert not (work / "output").exists()
    code, shown = jobs.run(out)
    assert code == 0
    assert "24 of 24 samples are done" in shown
    assert_done(out, undisturbed)


def test_no_room_for_matrices_is_told(jobs_from_disk: Jobs, yesterday: Path, tmp_path) -> None:
    out = shutil.copytree(yesterday, tmp_path / "out")
    code, shown = jobs_from_disk.run(out, largest_file=4096)
    assert code == 2
    assert_refused(shown, f"{out} cannot be written (File too large); make room there")
    assert contents(out) == contents(yesterday)


def test_no_room_at_all_leaves_nothing(jobs: Jobs, yesterday: Path, tmp_path: Path) -> None:
    out = shutil.copytree(yesterday, tmp_path / "out")
    code, shown = jobs.run(out, largest_file=4096)
    assert code == 2
    assert_refused(shown, f"{out} cannot be written (File too large); make room there")
    assert_done(out, contents(yesterday))


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a small disk in memory, or mount it anew with other options."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options: str) -> Path:
        again = "remount," if disk.is_mount() else ""
        command = ["mount", "-t", "tmpfs", "-o", again + options, "tmpfs", disk]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
        return disk

    yield mount
    if disk.is_mount():
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("kilobytes", [8, 48, 120, 160])
def test_a_full_disk_is_told_and_the_job_goes_on_once_there_is_room(
    jobs: Jobs, undisturbed, yesterday: Path, mount, tmp_path: Path, kilobytes: int
) -> None:
    out = mount("size=1m") / "out"
    shutil.copytree(yesterday, out)
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in out.iterdir())
    mount(f"size={used + kilobytes}k")
    code, shown = jobs.run(out)
    assert code == 2
    assert_refused(shown, f"{out} cannot be written (No space left on device", "make room")
    assert contents(out) == contents(yesterday)
    kept = re.search(r"; (\d+) of 24 samples are done and kept in ", shown)
    assert (kept is not None) == (out.parent / ".out.partial").exists()
    mount("size=10m")
    code, shown = jobs.run(out)
    assert code == 0
    if kept is not None:
        assert f"going on with an earlier run: {kept[1]} of 24 samples are done" in shown
    assert_done(out, undisturbed)


def test_a_disk_that_cannot_be_written_is_one_sentence(jobs: Jobs, mount) -> None:
    disk = mount("size=1m,ro")
    for out in (disk / "out", disk / "deep" / "out"):
        code, shown = jobs.run(out)
        assert code == 2
        assert_refused(
            shown, f"{out} cannot be written (Read-only file system); give --out a folder that you"
        )
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_one_sentence(jobs: Jobs, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    code, shown = jobs.run(tmp_path / "out")
    tmp_path.chmod(0o755)
    assert code == 2
    assert_refused(shown, "out cannot be written (Permission denied); give --out a folder that you")
    assert list(tmp_path.iterdir()) == []


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        (file, damage)
        for file in ("arrays.bin", "predictor.json")
        for damage in (halve, flip, empty, Path.unlink)
    ],
)
def test_a_damaged_model_is_one_sentence_and_nothing_is_written(
    jobs: Jobs, saved_model: Path, tmp_path: Path, file: str, damage: Callable[[Path], None]
) -> None:
    model = shutil.copytree(saved_model, tmp_path / "model")
    damage(model / file)
    code, shown = jobs.run(tmp_path / "out", "--model", str(model))
    assert code == 2
    assert_refused(shown, str(model))
    assert list(tmp_path.iterdir()) == [model]
