"""Does a database that a team shares answer, and how may its address be shown?"""

from __future__ import annotations

import re
import textwrap

from features.errors import InputError

_SECONDS_TO_CONNECT = 10
_SERVERS = ("postgresql", "mysql", "mariadb", "mssql", "oracle")
# Whose driver, psycopg, can be told how long to wait.
_WAITING = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2")
# Up to the last @, since a password may hold one that is not written as %40.
_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^\s'\"]*@|((?:password|passwd)=)[^\s&'\"]*", re.I)


def without_password(text: str) -> str:
    """Text with the passwords of the addresses in it masked.

    Examples
    --------
    >>> without_password("cannot open postgresql://ann:secret@host/runs (it is away)")
    'cannot open postgresql://ann:***@host/runs (it is away)'
    >>> without_password("postgresql://host/runs?user=ann&password=secret")
    'postgresql://host/runs?user=ann&password=***'
    """
    return _PASSWORD.sub(lambda m: f"{m[2]}***" if m[2] else f"{m[1]}:***@", text)


def require_database(uri: str) -> None:
    """Connect once to the database of an address; other addresses are left alone.

    MLflow itself would try for an hour.

    Raises
    ------
    InputError
        If the database does not answer, lets nobody in, or its driver is not installed.
    """
    scheme = uri.partition("://")[0]
    if scheme.partition("+")[0] not in _SERVERS:
        return
    import sqlalchemy

    wait = {"connect_timeout": _SECONDS_TO_CONNECT} if scheme in _WAITING else {}
    try:
        engine = sqlalchemy.create_engine(uri, connect_args=wait)
        try:
            engine.connect().close()
        finally:
            engine.dispose()
    except ImportError as error:
        raise InputError(
            f"{without_password(uri)} needs a driver that is not installed ({error}); for "
            "PostgreSQL, pip install 'sidestep[cluster]'"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError, TypeError) as error:
        # The driver's own words, not SQLAlchemy's around them.
        words = str(getattr(error, "orig", None) or error) or type(error).__name__
        reason = without_password(textwrap.shorten(words, 160, placeholder=" …"))
        raise InputError(
            f"the database {without_password(uri)} cannot be used ({reason}); see that it runs, "
            "and that its address, user and password are right"
        ) from None
