"""Versions of Python and of packages, as models, manifests and clusters record them."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

ABSENT = "not installed"
# Of a library that comes as one of several distributions; asking the library would import it.
_DISTRIBUTIONS = {"xgboost": ("xgboost", "xgboost-cpu")}


def software_versions(*packages: str) -> dict[str, str]:
    """Version of Python, as ``python``, and of each of some packages, in that order.

    Parameters
    ----------
    *packages : str
        Names of distributions. ``xgboost`` is the library, whichever of its distributions
        (``xgboost-cpu`` or ``xgboost``) this machine has.

    Returns
    -------
    dict of str to str
        ``not installed`` for a package that is not, as for Sidestep run from a checkout.
    """
    return {"python": platform.python_version()} | {name: _version(name) for name in packages}


def _version(package: str) -> str:
    for distribution in _DISTRIBUTIONS.get(package, (package,)):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ABSENT
