"""What becomes of saved models that somebody has tampered with, checksums redone?

    python -m benchmarks.fuzz_models --cases 2000

Each case is a model folder with one to three changes: numbers of an array, its type, shape or
place, a value of the description (another kind, another sign, NaN, infinite, huge, nested deep), a
part left out, doubled or swapped; trees get children that lead back, far or nowhere. It is then
loaded and scores a few samples in a process of its own that has a time limit. An outcome is one of

- refused: one sentence that a person can act on (`InputError`),
- scored: it was loaded and scored, so that the change was harmless or undetectable,
- unforeseen: another exception, which is a bug,
- signal or hang: the process died or did not end, which is worse.

Exits with 1 if there is any of the last two kinds or of the third. Nothing real is read.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 30.0
_ALIGNMENT = 64
_ODD_NUMBERS: tuple[Any, ...] = (
    -1, 0, 1, 2, 2**31, -(2**31), 2**63, 10**40, 1e308, -1e308, float("nan"), float("inf"), 0.5,
    1e-320,
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, "", "x", "expression", "a:b", "\x1b[31m", "\u202e", [], {}, [1], [[]], [None],
    {"array": []}, "9" * 5000, {"a": {"b": {}}},
)  # fmt: skip
_TREE_PARTS = ("roots", "left", "right", "feature", "condition", "hessian", "default_left")


@dataclass
class Saved:
    """A model folder's parts in memory: its description, and the arrays that it names."""

    state: Any
    arrays: list[np.ndarray]
    form: int

    @classmethod
    def read(cls, folder: Path) -> Saved:
        """The parts of a folder that `save_predictor` wrote."""
        whole = json.loads((folder / "predictor.json").read_text())
        state = whole["predictor"]
        data = (folder / "arrays.bin").read_bytes()
        arrays: list[np.ndarray] = []
        for place in _places(state):
            kind, shape, begin = place["array"]
            count = int(np.prod(shape, dtype=int))
            arrays.append(np.frombuffer(data, kind, count, begin).reshape(shape).copy())
            place["array"] = len(arrays) - 1
        return cls(state, arrays, whole["format"])

    def write(self, folder: Path, misplace: Callable[[list[Any]], None] | None = None) -> None:
        """Write a folder with the right checksums; `misplace` may change the places before."""
        content, places = bytearray(), []
        for array in self.arrays:
            places.append([array.dtype.str, list(array.shape), len(content)])
            content += array.tobytes() + bytes(-array.nbytes % _ALIGNMENT)
        if misplace is not None:
            misplace(places)
        state = json.loads(json.dumps(self.state))
        for place in _places(state):
            if isinstance(place["array"], int) and 0 <= place["array"] < len(places):
                place["array"] = places[place["array"]]
        text = json.dumps(state)
        head = {
            "format": self.form,
            "crc32": zlib.crc32(content),
            "predictor_crc32": zlib.crc32(text.encode()),
        }
        folder.mkdir(exist_ok=True)
        (folder / "arrays.bin").write_bytes(content)
        (folder / "predictor.json").write_text(f'{json.dumps(head)[:-1]}, "predictor": {text}}}')


def _places(state: Any) -> Iterator[dict[str, Any]]:
    if isinstance(state, dict):
        if state.keys() == {"array"}:
            yield state
        else:
            for part in state.values():
                yield from _places(part)
    elif isinstance(state, list):
        for part in state:
            yield from _places(part)


def tampered(
    saved: Saved, rng: random.Random, changes: int | None = None
) -> tuple[Saved, Callable[[list[Any]], None] | None]:
    """A copy with so many changes, or one to three, and what becomes of the arrays' places."""
    arrays = [array.copy() for array in saved.arrays]
    copy = Saved(json.loads(json.dumps(saved.state)), arrays, saved.form)
    misplace = None
    for _ in range(rng.choice((1, 1, 2, 3)) if changes is None else changes):
        change = rng.choice(
            (_number, _number, _shape, _type, _value, _value, _part, _trees, _trees)
        )
        change(copy, rng)
    if changes is None and rng.random() < 0.1:
        misplace = _misplacing(rng)
    return copy, misplace


def _number(saved: Saved, rng: random.Random) -> None:
    """Put odd numbers into an array."""
    array = rng.choice([one for one in saved.arrays if one.size])
    flat = array.reshape(-1)
    for _ in range(rng.choice((1, 1, 5, flat.size))):
        with np.errstate(all="ignore"):
            odd = rng.choice(_ODD_NUMBERS)
            at = rng.randrange(flat.size)
            if array.dtype.kind == "f":
                flat[at] = min(max(odd, -1e308), 1e308) if abs(odd) > 1e308 else odd
                if rng.random() < 0.3:
                    flat[at] = rng.choice((np.nan, np.inf, -np.inf))
            elif array.dtype.kind == "b":
                flat[at] = not flat[at]
            else:
                info = np.iinfo(array.dtype)
                finite = odd if odd == odd and abs(odd) < 1e300 else 7
                flat[at] = min(max(int(finite), info.min), info.max)


def _shape(saved: Saved, rng: random.Random) -> None:
    """Cut, repeat, turn or flatten an array."""
    at = rng.randrange(len(saved.arrays))
    array = saved.arrays[at]
    if array.ndim and array.size:
        saved.arrays[at] = rng.choice(
            (
                array[:-1],
                array[:0],
                np.repeat(array, 2, axis=0),
                array.T,
                array.reshape(-1),
                array[None],
            )
        )


def _type(saved: Saved, rng: random.Random) -> None:
    """Give an array another type, by value or byte by byte."""
    at = rng.randrange(len(saved.arrays))
    kind = rng.choice(("<f4", "<f8", "<f2", "<i4", "<i8", "|u1", "|i1", "|b1", "<u8", ">f8"))
    with np.errstate(all="ignore"):
        array = saved.arrays[at]
        raw = array.tobytes()
        whole = len(raw) // np.dtype(kind).itemsize * np.dtype(kind).itemsize
        by_bytes = np.frombuffer(raw[:whole], kind).copy()
        saved.arrays[at] = array.astype(kind) if rng.random() < 0.5 else by_bytes


def _value(saved: Saved, rng: random.Random) -> None:
    """Change a value of the description."""
    holder, key = _anywhere(saved.state, rng)
    odd: Any = rng.choice(_ODD_NUMBERS + _ODD_VALUES)
    if rng.random() < 0.05:
        for _ in range(rng.choice((50, 400, 900))):
            odd = [odd]
    if rng.random() < 0.2 and saved.arrays:
        odd = {"array": rng.randrange(len(saved.arrays))}
    holder[key] = odd


def _part(saved: Saved, rng: random.Random) -> None:
    """Leave a part out, put it in twice, rename it, or swap two."""
    holder, key = _anywhere(saved.state, rng)
    how = rng.randrange(4)
    if isinstance(holder, list):
        if how == 0:
            del holder[key]
        elif how == 1:
            holder.append(holder[key])
        else:
            holder.reverse()
    elif how == 0:
        del holder[key]
    elif how == 1:
        holder[f"{key}x"] = holder[key]
    elif how == 2:
        holder[rng.choice(("", "0", "7", "mutation", "fitted"))] = holder.pop(key)
    else:
        other = rng.choice(list(holder))
        holder[key], holder[other] = holder[other], holder[key]


def _anywhere(state: Any, rng: random.Random) -> tuple[Any, Any]:
    """A random place: go down, and stop anywhere on the way."""
    holder, key = {"": state}, ""
    while True:
        value = holder[key]
        if not isinstance(value, dict | list) or not value or "array" in value:
            return holder, key
        if holder is not value and key != "" and rng.random() < 0.15:
            return holder, key
        holder = value
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))


def _trees(saved: Saved, rng: random.Random) -> None:
    """Lead the trees of some sub-model astray."""
    try:
        drug = rng.choice(list(saved.state["drugs"].values()))
        blends = rng.choice([drug["blend"], *drug["fold_blends"].values()])["blends"]
        trees = blends[next(iter(blends))]["trees_"]["ensemble_"]
        parts = {name: saved.arrays[trees[name]["array"]] for name in _TREE_PARTS}
    except (KeyError, TypeError, IndexError, AttributeError, StopIteration):
        return
    nodes = parts["left"].size
    if not nodes or any(part.ndim != 1 or not part.size for part in parts.values()):
        return
    inner = np.flatnonzero(parts["left"] >= 0)
    node = int(rng.choice(inner.tolist())) if len(inner) else 0
    way = rng.choice(("left", "right", "roots", "feature", "condition", "hessian", "default_left"))
    part = parts[way]
    at = min(node, part.size - 1)
    if part.dtype.kind == "i":
        far = rng.choice(
            (node, 0, nodes, nodes - 1, 2**31 - 1, -1, -2, -(2**31), rng.randrange(nodes))
        )
        part[at] = np.clip(far, np.iinfo(part.dtype).min, np.iinfo(part.dtype).max)
        if way in ("left", "right") and rng.random() < 0.3:
            parts["left"][at] = parts["right"][at] = part[at]
    elif part.dtype.kind == "f":
        part[at] = rng.choice((0.0, np.nan, np.inf, -1.0, 1e-45, 3e38))
    if rng.random() < 0.1:  # a chain, one level a node
        chain = np.arange(1, nodes + 1)
        parts["left"][:] = np.where(chain < nodes, chain, -1)[: parts["left"].size]


def _misplacing(rng: random.Random) -> Callable[[list[Any]], None]:
    def misplace(places: list[Any]) -> None:
        at = rng.randrange(len(places))
        kind, shape, begin = places[at]
        places[at] = rng.choice(
            (
                [kind, shape, begin + 64], [kind, shape, -64], [kind, shape, 2**62],
                [kind, [2**40, *shape], begin], [kind, [0, 2**60], begin], [kind, [-1], begin],
                ["|O", shape, begin], ["<U4", shape, begin], [kind, [1] * 70, begin], None, [kind],
                [kind, shape, places[0][2]], [kind, shape, 0.5], ["<M8[s]", shape, begin],
            )
        )  # fmt: skip

    return misplace


class Worker:
    """A process that loads and scores models; a new one takes its place where it dies."""

    def __init__(self, study: Path) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._study = study
        self._start()

    def _start(self) -> None:
        self._here, there = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(there, self._study), daemon=True)
        self._process.start()
        there.close()
        self._here.recv()  # compiled and ready

    def outcome(self, folder: Path) -> tuple[str, str]:
        """Kind of what became of a folder, and the words."""
        self._here.send(str(folder))
        try:
            if self._here.poll(SECONDS):
                kind, words = self._here.recv()
                return kind, words
            self._process.kill()
            found = ("hang", f"no answer in {SECONDS:g} s")
        except EOFError:
            self._process.join()
            found = ("signal", f"exit code {self._process.exitcode}")
        self._process.join()
        self._start()
        return found

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, folder: Path) -> None:
    """Score with each model folder that is named, until there is no more."""
    from sidestep.features.study.study import read_study

    study = read_study(folder)
    study = study.select(list(study.samples[:6]))
    pipe.send("ready")
    while True:
        pipe.send(score(Path(pipe.recv()), study))


def score(folder: Path, study: Any) -> tuple[str, str]:
    """What becomes of a model folder that is to score a study: kind, and words."""
    from sidestep.features.errors import InputError
    from sidestep.models.registry.load import load_model
    from sidestep.serving.job import score_study

    try:
        with tempfile.TemporaryDirectory() as out:
            model = load_model(folder)
            score_study(study, model, Path(out) / "scores", report=True)
    except InputError as error:
        words = str(error)
        odd = any(ord(sign) < 32 for sign in words.replace(str(folder), "")) or len(words) > 2000
        return ("unforeseen" if odd else "refused"), words
    except Exception:
        return "unforeseen", traceback.format_exc()
    return "scored", ""


def made_model(folder: Path) -> tuple[Path, Path]:
    """Folder of a small trained model and of a simulated study, made where they are not yet."""
    from sidestep.api import train
    from sidestep.features.simulation.simulate import simulate

    if not (folder / "model").exists():
        simulate(folder / "studies", lines=40, genes=120, pancan_lines=40, cohort_samples=24)
        panel = train(
            folder / "studies" / "breast_sim", "gi50", drugs=["Lapatinib", "Trametinib"],
            trials=0, folds=2, repeats=1, jobs=1, quiet=True,
        )  # fmt: skip
        panel.save(folder / "model")
    return folder / "model", folder / "studies" / "cohort_sim"


def main() -> int:
    """Run the cases, and say what became of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--keep", type=Path, help="where model and bad folders stay")
    given = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="sidestep-fuzz-") as name:
        folder = given.keep or Path(name)
        model, study = made_model(folder)
        saved, worker = Saved.read(model), Worker(study)
        for case in range(given.first, given.first + given.cases):
            changed, misplace = tampered(saved, random.Random(case))
            changed.write(folder / "case", misplace)
            kind, words = worker.outcome(folder / "case")
            counts[kind] += 1
            if kind not in ("refused", "scored"):
                print(f"case {case}: {kind}: {words}", flush=True)
            if case % 100 == 99:
                print(
                    f"{case + 1 - given.first} cases: {dict(counts)}", file=sys.stderr, flush=True
                )
        worker.close()
    for kind, number in sorted(counts.items()):
        print(f"{kind}: {number}")
    return int(counts.keys() - {"refused", "scored"} != set())


if __name__ == "__main__":
    sys.exit(main())
