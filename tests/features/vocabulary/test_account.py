"""The account of what was understood of each file."""

from __future__ import annotations

import json

from sidestep.features.study.check import check_study
from sidestep.features.study.study import read_study
from sidestep.features.vocabulary.account import (
    OTHER_WORDS,
    Account,
    FileAccount,
    account_of,
    plain_account,
)


def test_every_file_that_was_read_has_an_account(make_study):
    study = read_study(make_study())
    data = {name for name in study.digests if not name.startswith("meta_")}
    assert {one.file for one in study.account} == data
    assert all(one.kind and one.understood for one in study.account)


def test_check_prints_the_account(make_study):
    lines = check_study(make_study()).lines()
    assert "What was understood" in lines
    assert any(line.startswith("  data_rppa.txt: ") for line in lines)


def test_counts_add_up_and_what_a_file_is_may_be_told_last():
    account = Account()
    account.match("data.txt", {"symbol": 2})
    account.match("data.txt", {"symbol": 1, "alias": 4, "entrez": 0})
    account.set_aside("data.txt", "exact duplicates", 0)
    account.set_aside("data.txt", "no gene", 3)
    account.puzzle("data.txt", {"Missense?": 2})
    account.add("data.txt", "MUTATION_EXTENDED", "7 calls", unit="calls", decided_by="its header")
    (one,) = account.files()
    assert one == FileAccount(
        "data.txt",
        "MUTATION_EXTENDED",
        "7 calls",
        "calls",
        "its header",
        {"symbol": 3, "alias": 4},
        {"Missense?": 2},
        {"no gene": 3},
    )
    assert one.lines() == [
        "data.txt: 7 calls",
        "  scale: calls; its header",
        "  matched by: alias 4, symbol 3",
        "  not understood: 'Missense?' 2",
        "  set aside: no gene 3",
    ]


def test_plain_values_give_the_same_account(make_study):
    files = read_study(make_study()).account
    assert account_of(json.loads(json.dumps(plain_account(files)))) == files


def test_a_million_unknown_words_are_counted_but_not_all_kept():
    account = Account()
    account.puzzle("data.txt", {f"word {n}": 1 + (n == 7) for n in range(1000)})
    account.puzzle("data.txt", {f"other {n}": 1 for n in range(1000)})
    (one,) = account.files()
    assert sum(one.not_understood.values()) == 2001
    assert len(one.not_understood) == 200
    assert one.not_understood["word 7"] == 2
    assert one.not_understood[OTHER_WORDS] > 1
