"""Data sets from a server or folder into their place: checked, kept, and nobody's file replaced."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sidestep.features.downloads.catalogue import DOWNLOAD_TABLE, Entry, find_entries
from sidestep.features.downloads.fetch import Fetched, FetchOptions, fetch
from sidestep.features.downloads.licences import require_accepted
from sidestep.features.downloads.places import accepted_file, knowledge_folder
from sidestep.features.downloads.transfer import Patience
from sidestep.features.errors import InputError
from sidestep.serving.evidence.databases import read_outside_knowledge
from tests.features.downloads.server import Server, files_of, noise

HALLMARK = b"HALLMARK_HYPOXIA\tlink\tVEGFA\tCA9\n"
HASTY = Patience(attempts=2, wait=0.0, timeout=5.0)


def got(entry: Entry, out: Path, **options: object) -> Fetched:
    waited: list[str] = []
    chosen = FetchOptions(out=out, patience=HASTY, **options)  # type: ignore[arg-type]
    return fetch(entry, chosen, lambda done, whole: None, waited.append)


def table(address: str, **facts: str) -> Entry:
    """A table of the catalogue that lies at an address of the test's server."""
    entry = DOWNLOAD_TABLE.load()["ccle_rppa"]
    return replace(entry, address=address, file="t.csv", saved_as="t.csv", **facts)


def study_archive(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"tiny/meta_study.txt": b"name: Tiny\n", **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def test_the_catalogue_has_what_a_stranger_needs() -> None:
    entries = DOWNLOAD_TABLE.load()
    assert {"ccle_broad_2019", "gdsc2", "ctrpv2", "prism", "civic", "reactome"} <= set(entries)
    assert all(entry.license and entry.license_address for entry in entries.values())
    # Only what its makers do not publish in a form that is read has no address, and says so.
    lacking = [entry for entry in entries.values() if not entry.address]
    assert [entry.name for entry in lacking] == ["progeny"]
    assert "no address" in lacking[0].holds


def test_any_other_study_goes_by_its_id_and_nothing_else_does() -> None:
    entry = find_entries(["Brca_IGR_2015"])[0]
    assert (entry.kind, entry.file) == ("study", "brca_igr_2015.tar.gz")
    for name in ("gdsc3", "../../etc", "a b", "https://x", ""):
        with pytest.raises(InputError, match="is no data set of the catalogue"):
            find_entries([name])
    with pytest.raises(InputError, match="did you mean gdsc2"):
        find_entries(["gdsc3"])


def test_a_table_comes_once_and_is_kept(server: Server, tmp_path: Path) -> None:
    body = noise(5000)
    entry = table(server.serve("t.csv", body))
    done = got(entry, tmp_path / "a")
    assert done.path.read_bytes() == body
    assert done.sha256 == hashlib.sha256(body).hexdigest()
    again = got(entry, tmp_path / "b", offline=True)
    assert again.cached
    assert again.path.read_bytes() == body
    assert server.asked["/t.csv"] == 1
    server.serve("t.csv", b"newer")
    assert got(entry, tmp_path / "a", refresh=True).path.read_bytes() == b"newer"


def test_a_cached_file_that_was_changed_is_fetched_anew(
    server: Server, tmp_path: Path, cache: Path
) -> None:
    entry = table(server.serve("t.csv", b"right"))
    got(entry, tmp_path / "a")
    (cache / "downloads" / "t.csv").write_bytes(b"wrong")
    assert got(entry, tmp_path / "b").path.read_bytes() == b"right"


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_wrong_checksum_leaves_nothing(
    server: Server, tmp_path: Path, cache: Path, algorithm: str
) -> None:
    address = server.serve("t.csv", b"content")
    good = hashlib.new(algorithm, b"content").hexdigest()
    assert got(table(address, check=f"{algorithm}:{good}"), tmp_path).checked == (
        f"{algorithm} as published"
    )
    bad = table(address, check=f"{algorithm}:{'0' * len(good)}")
    with pytest.raises(InputError, match=rf"{algorithm} {good}, where 000.*nothing of it is kept"):
        got(bad, tmp_path / "new", refresh=True)
    assert not (tmp_path / "new").exists()
    assert not [name for name in files_of(cache) if "fetched" in name or "part" in name]


def test_the_list_of_a_release_gives_address_and_checksum(server: Server, tmp_path: Path) -> None:
    body = noise(3000)
    file = server.serve("files/17", body)
    row = {"name": "t.csv", "download_url": file, "computed_md5": hashlib.md5(body).hexdigest()}
    listing = server.serve("articles", json.dumps([row]).encode())
    entry = table(listing, check="listing")
    assert got(entry, tmp_path).checked == "md5 as published"
    server.serve("files/17", body[:-1] + b"?")
    with pytest.raises(InputError, match="was to be expected"):
        got(entry, tmp_path, refresh=True)
    for wrong in (b"[]", b"<html>", b'{"name": 1}', b"[[1]]", b'[{"name": "t.csv"}]'):
        server.serve("articles", wrong)
        with pytest.raises(InputError, match="give its folder with --from"):
            got(entry, tmp_path, refresh=True)
    row["download_url"] = "http://example.org/x"
    server.serve("articles", json.dumps([row]).encode())
    with pytest.raises(InputError, match="is not https"):
        got(entry, tmp_path, refresh=True)


def test_a_web_page_in_the_place_of_a_file_is_refused(server: Server, tmp_path: Path) -> None:
    entry = table(server.serve("t.csv", b"\n<!DOCTYPE html><html>Are you a person?"))
    with pytest.raises(InputError, match=r"is a web page in the place of t\.csv"):
        got(entry, tmp_path)


def test_a_database_goes_where_score_looks(server: Server, tmp_path: Path) -> None:
    entry = DOWNLOAD_TABLE.load()["hallmark"]
    server.serve(entry.file, HALLMARK)
    done = got(entry, tmp_path, origin=server.address)
    assert done.path == knowledge_folder() / "hallmark_symbols.gmt"
    assert read_outside_knowledge(None).databases == ["Hallmark"]


def test_a_packed_database_is_unpacked(server: Server, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil", "harm")
        archive.writestr("ReactomePathways.gmt", "Signaling by ERBB2\tR-HSA-1227986\tERBB2\tEGFR\n")
    entry = DOWNLOAD_TABLE.load()["reactome"]
    server.serve(entry.file, packed.getvalue())
    got(entry, tmp_path, origin=server.address)
    assert read_outside_knowledge(None).databases == ["Reactome"]
    assert not list(tmp_path.rglob("evil"))
    server.serve(entry.file, b"no archive")
    with pytest.raises(InputError, match="is no ZIP archive"):
        got(entry, tmp_path, origin=server.address, refresh=True)


def test_a_file_of_the_users_own_stays(server: Server, tmp_path: Path) -> None:
    entry = DOWNLOAD_TABLE.load()["hallmark"]
    server.serve(entry.file, HALLMARK)
    own = knowledge_folder() / "hallmark_symbols.gmt"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(InputError, match="is another file than was fetched, and is left as it is"):
        got(entry, tmp_path, origin=server.address)
    assert own.read_text() == "mine"
    own.unlink()
    got(entry, tmp_path, origin=server.address)
    # One that an earlier fetch has put there is replaced.
    server.serve(entry.file, HALLMARK * 2)
    got(entry, tmp_path, origin=server.address, refresh=True)
    assert own.read_bytes() == HALLMARK * 2


def test_a_study_becomes_a_folder_and_an_attack_leaves_nothing(
    server: Server, tmp_path: Path
) -> None:
    entry = find_entries(["tiny_study_2020"])[0]
    server.serve(entry.file, study_archive())
    out = tmp_path / "studies"
    assert got(entry, out, origin=server.address).path == out / "tiny_study_2020"
    assert files_of(out) == ["tiny_study_2020", "tiny_study_2020/meta_study.txt"]
    with pytest.raises(InputError, match="already holds files"):
        got(entry, out, origin=server.address)
    server.serve(entry.file, study_archive(**{"../../evil": b"harm"}))
    with pytest.raises(InputError, match="leads out of"):
        got(entry, tmp_path / "other", origin=server.address, refresh=True)
    assert not (tmp_path / "other").exists()
    assert not list(tmp_path.rglob("evil"))


def test_a_folder_takes_the_place_of_the_makers(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    entry = DOWNLOAD_TABLE.load()["progeny"]
    with pytest.raises(InputError, match=r"has no progeny_human_top100_14pathways\.csv"):
        got(entry, tmp_path, origin=str(mirror))
    (mirror / entry.file).write_text("gene,MAPK\nDUSP6,1\n")
    done = got(entry, tmp_path, origin=str(mirror), offline=True)
    assert done.origin == str(mirror / entry.file)
    assert read_outside_knowledge(None).databases == ["PROGENy"]


def test_what_cannot_be_had_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no address has them as CSV.*with --from"):
        got(DOWNLOAD_TABLE.load()["progeny"], tmp_path)
    with pytest.raises(InputError, match="--offline asks no server"):
        got(DOWNLOAD_TABLE.load()["hgnc"], tmp_path, offline=True)
    with pytest.raises(InputError, match="is no folder"):
        got(DOWNLOAD_TABLE.load()["hgnc"], tmp_path, origin=str(tmp_path / "none"))
    with pytest.raises(InputError, match="is not https"):
        got(DOWNLOAD_TABLE.load()["hgnc"], tmp_path, origin="http://example.org")


@pytest.mark.slow
def test_two_at_once_ask_the_server_once(server: Server, tmp_path: Path) -> None:
    entry = table(server.serve("t.csv", noise(50_000), delay=0.3))
    done: list[Fetched] = []
    threads = [
        threading.Thread(target=lambda n=n: done.append(got(entry, tmp_path / str(n))))
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.cached for one in done) == [False, True]
    assert {one.path.read_bytes() for one in done} == {noise(50_000)}
    assert server.asked["/t.csv"] == 1


def test_a_licence_is_shown_and_accepted_once() -> None:
    entries = find_entries(["gdsc2", "hgnc"])
    with pytest.raises(InputError, match=r"terms of use of GDSC \(https.* for gdsc2\. .* --accept"):
        require_accepted(entries, accept=False)
    require_accepted(entries, accept=True)
    require_accepted(entries, accept=False)
    assert list(json.loads(accepted_file().read_text())) == ["terms of use of GDSC"]
    with pytest.raises(InputError, match="CC BY"):
        require_accepted(find_entries(["hallmark"]), accept=False)


def test_public_domain_asks_for_nothing() -> None:
    require_accepted(find_entries(["hgnc", "civic", "reactome"]), accept=False)
    assert not accepted_file().exists()
