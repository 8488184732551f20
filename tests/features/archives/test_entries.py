"""Archives made to do harm, each really built: what is no plain file, lies or swells."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from sidestep.features.archives.archive import import_archive

MIB = 2**20
META = b"cancer_study_identifier: tiny\nname: Tiny\n"

Member = tuple[tarfile.TarInfo, bytes]


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: object
) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for field, value in more.items():
        setattr(info, field, value)
    return info, content


def pack_tar(path: Path, members: Iterable[Member], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def pack_zip(path: Path, files: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            if isinstance(name, zipfile.ZipInfo):
                archive.writestr(name, content)
            else:
                archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return path


def test_rights_of_the_archive_are_not_taken_over(tmp_path: Path) -> None:
    members = [member("meta_study.txt", META, mode=0o6777), member("x/", b"", tarfile.DIRTYPE)]
    folder = import_archive(pack_tar(tmp_path / "s.tgz", members), tmp_path / "out").folder
    mode = stat.S_IMODE((folder / "meta_study.txt").stat().st_mode)
    assert mode & 0o7133 == 0


def test_a_nul_in_a_name_is_refused(tmp_path: Path, refused) -> None:
    nul = member("x", b"harm", pax_headers={"path": "brca/a\0b"})
    refused(pack_tar(tmp_path / "nul.tgz", [nul]), "'brca/a\\x00b'", "control characters")
    zipped = pack_zip(tmp_path / "nul.zip", [("meta_study.txt", META), ("aZZb.txt", b"harm")])
    zipped.write_bytes(zipped.read_bytes().replace(b"aZZb", b"a\0Zb"))
    refused(zipped, "'a\\x00Zb.txt'", "control characters")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path, refused) -> None:
    path = tmp_path / "x.tar"
    pack_tar(path, [member("meta_study.txt", META), member("brca.txt", b"")], "w")
    data = bytearray(path.read_bytes())
    at = data.index(b"brca.txt")
    data[at] = 0xFF
    header = data[at : at + 512]
    checksum = sum(header[:148]) + 8 * 32 + sum(header[156:])
    data[at + 148 : at + 156] = b"%06o\0 " % checksum
    path.write_bytes(data)
    refused(path, "broken text")


def test_a_file_without_a_name_is_refused(tmp_path: Path, refused) -> None:
    refused(pack_tar(tmp_path / "x.tgz", [member(".", b"harm")]), "no name")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "symbolic link"),
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "pipe"),
        (tarfile.CONTTYPE, "no plain file"),
        (tarfile.GNUTYPE_SPARSE, "no plain file"),
        (b"Z", "no plain file"),
    ],
)
@pytest.mark.parametrize("target", ["/etc/passwd", "meta_study.txt"])
def test_only_plain_files_come_out_of_a_tar(tmp_path: Path, refused, kind, said, target) -> None:
    link = member("data.txt", b"", kind, linkname=target)
    after = member("data.txt/x", b"harm")
    archive = pack_tar(tmp_path / "x.tgz", [member("meta_study.txt", META), link, after])
    refused(archive, "'data.txt'", said)


def test_a_sparse_file_of_pax_is_refused(tmp_path: Path, refused) -> None:
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**50)}
    hole = member("data.txt", b"1\n0\n0\n".ljust(512, b"\0"), pax_headers=holes)
    refused(pack_tar(tmp_path / "x.tgz", [hole]), "'data.txt' is no plain file")


@pytest.mark.parametrize(
    ("mode", "said"),
    [(stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "no plain"), (stat.S_IFCHR, "no plain")],
)
def test_only_plain_files_come_out_of_a_zip(tmp_path: Path, refused, mode: int, said: str) -> None:
    info = zipfile.ZipInfo("data.txt")
    info.external_attr = (mode | 0o777) << 16
    archive = pack_zip(tmp_path / "x.zip", [("meta_study.txt", META), (info, b"/etc/passwd")])
    refused(archive, "'data.txt'", said)


def test_other_ways_of_packing_are_refused(tmp_path: Path, refused) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        info = zipfile.ZipInfo("data.txt")
        info.compress_type = method
        refused(pack_zip(tmp_path / f"{method}.zip", [(info, b"0" * MIB)]), "another method")
    encrypted = pack_zip(tmp_path / "encrypted.zip", [("meta_study.txt", META)])
    data = bytearray(encrypted.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    encrypted.write_bytes(data)
    refused(encrypted, "is encrypted")


@pytest.mark.slow
@pytest.mark.parametrize(
    "where", [pytest.param("a file", marks=pytest.mark.slow), "a file left out", "after the end"]
)
def test_a_bomb_is_refused_while_it_unpacks(tmp_path: Path, refused, where: str) -> None:
    """300 MiB of zeros in 300 KiB; nothing of them need be written to see it."""
    path = tmp_path / "bomb.tar.gz"
    head = io.BytesIO()
    with tarfile.open(fileobj=head, mode="w") as tar:
        info, content = member("meta_study.txt", META)
        tar.addfile(info, io.BytesIO(content))
        end = tar.offset
    info = tarfile.TarInfo("data.txt" if where == "a file" else "._data.txt")
    info.size = 300 * MIB
    with gzip.open(path, "wb", 6) as packed:
        packed.write(head.getvalue()[:end])
        packed.write(b"" if where == "after the end" else info.tobuf())
        for _ in range(300):
            packed.write(bytes(MIB))
    assert path.stat().st_size < MIB
    refused(path, "unpacks to more than 256 MiB, which its size does not account for")


@pytest.mark.slow
def test_a_bomb_in_a_zip_is_refused_while_it_unpacks(tmp_path: Path, refused) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta_study.txt", META)
        with archive.open("._data.txt", "w") as bomb:
            for _ in range(300):
                bomb.write(bytes(MIB))
    refused(path, "unpacks to more than 256 MiB, which its size does not account for")


@pytest.mark.parametrize("claimed", [0, 10, 49_999])
def test_what_a_zip_says_of_its_sizes_is_not_believed(tmp_path: Path, refused, claimed) -> None:
    path = pack_zip(tmp_path / "x.zip", [("meta_study.txt", META), ("data.txt", b"0" * 50_000)])
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<L", claimed)
    path.write_bytes(data)
    refused(path, "not a whole")


def test_files_of_a_zip_that_share_their_content_are_counted_each(
    tmp_path: Path, refused, monkeypatch
) -> None:
    """One packed file, listed as many: the quoted size is small, what is unpacked is not."""
    monkeypatch.setenv("SIDESTEP_MAX_FILE_GIB", f"{MIB / 2**30}")
    path = pack_zip(tmp_path / "x.zip", [("._a", b"0" * (MIB - 1))])
    data = path.read_bytes()
    start, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    listed = data[start:end] * 9
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, len(listed), start, 0)
    path.write_bytes(data[:start] + listed + tail)
    refused(path, "unpacks to more than 4 MiB")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
@pytest.mark.parametrize("claimed", [50 * MIB, 2**40])
def test_headers_without_measure_are_refused(tmp_path: Path, refused, kind, claimed) -> None:
    path = tmp_path / "x.tar.gz"
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, claimed
    with gzip.open(path, "wb", 1) as packed:
        packed.write(info.tobuf(tarfile.GNU_FORMAT))
        packed.write(b"x" * 50 * MIB)
    refused(path, "describes a file in more than 262,144 bytes")


def test_a_chain_of_headers_is_refused(tmp_path: Path, refused) -> None:
    info = tarfile.TarInfo("header")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    path = tmp_path / "x.tar.gz"
    path.write_bytes(gzip.compress((info.tobuf() + b"x".ljust(512, b"\0")) * 1000))
    refused(path)


def test_a_list_of_files_without_measure_is_refused(tmp_path: Path, refused) -> None:
    infos = [zipfile.ZipInfo(f"{i}.txt") for i in range(70)]
    for info in infos:
        info.comment = b"x" * 65_535
    archive = pack_zip(tmp_path / "x.zip", [(info, b"") for info in infos])
    refused(archive, "list of files has more than 4,194,304 bytes")


def test_a_negative_size_is_refused(tmp_path: Path, refused) -> None:
    path = pack_tar(tmp_path / "x.tar", [member("meta_study.txt", META)], "w")
    data = bytearray(path.read_bytes())
    data[124:136] = b"\xff" * 11 + b"\x00"  # base 256, -256
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    path.write_bytes(data)
    refused(path)


def test_a_tar_without_its_end_is_refused(tmp_path: Path, refused) -> None:
    """Cut between two files it would look whole, less the files that are not there."""
    path = pack_tar(tmp_path / "x.tar", [member("meta_study.txt", META), member("b", b"b")], "w")
    path.write_bytes(path.read_bytes()[:1024])
    refused(path, "byte 1024 is broken or missing")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_broken_header_is_not_taken_for_the_end(tmp_path: Path, refused, mode: str) -> None:
    members = [member(name, META) for name in ("meta_study.txt", "b.txt", "c.txt")]
    plain = pack_tar(tmp_path / "x.tar", members, "w").read_bytes()
    path = tmp_path / "broken"
    broken = plain[:1030] + b"?" + plain[1031:]
    path.write_bytes(broken if mode == "w" else gzip.compress(broken))
    refused(path, "byte 1024 is broken")
