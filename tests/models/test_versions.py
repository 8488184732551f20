"""Versions are those that the packages themselves name."""

from __future__ import annotations

import platform

import numpy
import sklearn
import xgboost

from sidestep.models.versions import software_versions


def test_versions_stand_under_their_names_in_the_order_asked_for() -> None:
    found = software_versions("xgboost", "numpy", "scikit-learn")
    assert list(found.items()) == [
        ("python", platform.python_version()),
        ("xgboost", xgboost.__version__),
        ("numpy", numpy.__version__),
        ("scikit-learn", sklearn.__version__),
    ]


def test_a_package_that_is_not_there_is_no_error() -> None:
    assert software_versions("no-such-package")["no-such-package"] == "not installed"
