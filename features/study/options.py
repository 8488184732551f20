"""Options of the command line that every verb which reads a study has. Light to import."""

from __future__ import annotations

import click

#: ``--profile KIND=STABLE_ID``, for `study.profiles.parse_profiles`.
profile_option = click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="KIND=STABLE_ID",
    help="Profile to read where the study has several: expression, rppa, copy_number, mutation or "
    "fusion, and its stable_id. May be repeated.  [default: RNA-seq before microarray, levels "
    "before z-scores, log2 before linear before calls]",
)
