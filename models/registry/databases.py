"""A database that a team shares is asked once whether it answers; addresses hide passwords."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from sidestep.features.errors import InputError

_SECONDS_TO_CONNECT = 10
_SECONDS_TO_ANSWER = 8
_QUESTIONS = (
    "/api/2.0/mlflow/experiments/search",
    "/api/2.0/mlflow/registered-models/search",
)
_SERVED = ("http://", "https://")
_FILE = "sqlite"
_SERVERS = ("postgresql", "mysql", "mariadb", "mssql", "oracle")
# Whose driver, psycopg, can be told how long to wait.
_WAITING = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")
# Up to the last @, since a password may hold one that is not written as %40.
_PASSWORD = re.compile(
    r"(?<=://)([^:/@\s]*):\S*@|((?:password|passwd)=)('[^']*'|\"[^\"]*\"|[^\s&'\"]*)", re.I
)
# Of a text that is nothing but an address, where a password may hold spaces too.
_OF_ADDRESS = re.compile(r"\A(?!.*://.*://)([a-z][\w+.-]*://[^:/@\s]*):.*@(?=\S*$)", re.I | re.S)


def without_password(text: str) -> str:
    """Text with the passwords of the addresses in it masked.

    An address whose password holds spaces is to be masked by itself: in a text nobody can tell
    where it ends.

    Examples
    --------
    >>> without_password("cannot open postgresql://ann:secret@host/runs (it is away)")
    'cannot open postgresql://ann:***@host/runs (it is away)'
    >>> without_password("postgresql://host/runs?user=ann&password=secret")
    'postgresql://host/runs?user=ann&password=***'
    """
    masked = _OF_ADDRESS.sub(r"\1:***@", text, count=1)
    return _PASSWORD.sub(lambda m: f"{m[2]}***" if m[2] else f"{m[1]}:***@", masked)


def require_database(uri: str) -> frozenset[str]:
    """Connect once to the database of an address, and look which tables it has.

    MLflow itself would try for an hour, or, with an SQLite file, for minutes. A server is asked
    once as well (`require_server`); no tables are known of it, nor of addresses of other kinds.

    Raises
    ------
    InputError
        If the database does not answer, lets nobody in, is no database, or its driver is not
        installed.
    """
    if uri.startswith(_SERVED):
        require_server(uri)
    if not is_database(uri):
        return frozenset()
    import sqlalchemy

    waits = uri.partition("://")[0] in _WAITING
    wait = {"connect_timeout": _SECONDS_TO_CONNECT} if waits else {}
    try:
        engine = sqlalchemy.create_engine(uri, connect_args=wait)
        try:
            with engine.connect() as connection:
                return frozenset(sqlalchemy.inspect(connection).get_table_names())
        finally:
            engine.dispose()
    except ImportError as error:
        raise InputError(
            f"{without_password(uri)} needs a driver that is not installed ({error}); for "
            "PostgreSQL, run pip install 'psycopg[binary]'"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, TypeError) as error:
        # The driver's own words, not SQLAlchemy's around them.
        words = str(getattr(error, "orig", None) or error) or type(error).__name__
        reason = textwrap.shorten(without_password(words), 160, placeholder=" …")
        advice = "that it runs, and that its address, user and password are right"
        if _kind(uri) == _FILE:
            advice = "that it is an SQLite file, or a new one in a folder that you can write"
        raise InputError(
            f"the database {without_password(uri)} cannot be used ({reason}); see {advice}"
        ) from None


def require_server(uri: str) -> None:
    """Ask an MLflow server once for its runs and once for its models; whatever it answers, it is.

    MLflow itself asks eight times, and waits two minutes each. It is asked through MLflow, which
    knows the user's password, certificate and proxy.

    Raises
    ------
    InputError
        If it does not answer either within eight seconds.
    """
    # MLflow takes seconds to import.
    from http.client import HTTPException

    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        for question in _QUESTIONS:
            http_request(
                get_default_host_creds(uri),  # type: ignore[no-untyped-call]
                question,
                "GET",
                max_retries=0,
                timeout=_SECONDS_TO_ANSWER,
                raise_on_status=False,
                params={"max_results": 1},
            )
    except (MlflowException, OSError, ValueError, HTTPException) as error:
        raise InputError(
            f"the MLflow server {without_password(uri)} does not answer ({_reason(error)}); see "
            "that it runs and can be reached from here, or give another --tracking-uri"
        ) from None


def _reason(error: BaseException) -> str:
    """Words of the innermost error: those around it name objects of libraries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    words = without_password(str(error)) or type(error).__name__
    return textwrap.shorten(words, 160, placeholder=" …")


def require_runs_database(uri: str) -> frozenset[str]:
    """As `require_database`, of a database that is to hold MLflow's runs.

    MLflow would add its tables to those of another program, and fail then.

    Raises
    ------
    InputError
        Also if the database holds Optuna's searches, or what else keeps the version of its tables
        as MLflow does.
    """
    tables = require_database(uri)
    versioned_by_another = "alembic_version" in tables and "experiments" not in tables
    if "studies" in tables or versioned_by_another:
        raise InputError(
            f"{without_password(uri)} holds the tables of another program, such as Optuna; give "
            "--tracking-uri a database of its own"
        )
    return tables


def holds_runs(uri: str) -> bool:
    """Whether a store is there; for any but a database only who asks it can tell.

    MLflow would make the tables of a database that has none, and SQLite the file.

    Raises
    ------
    InputError
        As `require_runs_database`.
    """
    if not is_database(uri):
        require_database(uri)
        return True
    return not _is_absent(uri) and "registered_models" in require_runs_database(uri)


def is_database(uri: str) -> bool:
    """Whether an address is that of a database."""
    return _kind(uri) in (*_SERVERS, _FILE)


def _kind(uri: str) -> str:
    return uri.partition("://")[0].partition("+")[0]


def _is_absent(uri: str) -> bool:
    """Whether it is an SQLite database whose file is not there."""
    if _kind(uri) != _FILE:
        return False
    import sqlalchemy

    try:
        path = sqlalchemy.make_url(uri).database
    except sqlalchemy.exc.ArgumentError:  # who connects to it says what is wrong
        return False
    if not path or path.startswith((":", "file:")):  # in memory, or named in SQLite's own way
        return False
    return not Path(path).exists()
