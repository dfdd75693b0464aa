"""What the error codes of databases mean; knows no connection.

Codes: https://mariadb.com/kb/en/mariadb-error-codes/ and PostgreSQL's documentation, appendix A.
"""

from __future__ import annotations

import sqlalchemy as sa

__all__ = ["advice_for", "is_collision", "is_deadlock", "is_outage", "mysql_code"]

_SUBQUERY_OF_TWO_ROWS = 1242
# 1213: a deadlock; 1020: the row has changed since this transaction's snapshot (MariaDB from 11.6 on).
_MYSQL_DEADLOCKS = (1213, 1020)
_POSTGRES_DEADLOCKS = ("40P01", "40001")
# A replica after a failover, and a session that stood idle for too long: psycopg files them under InternalError.
_POSTGRES_PASSING = ("25006", "25P03")
# SQLite has one code for all of these and for statements that make no sense.
_SQLITE_LASTING = ("no such table", "no such column", "has no column named")
_ADVICE = {
    1153: "; raise max_allowed_packet on the server, or store a path to so large a value",
    1366: "; use a database with CHARACTER SET utf8mb4",
    1406: "; MySQL holds at most 65535 bytes in one attribute: store a path to so large a value",
}


def mysql_code(error: BaseException | None) -> int | None:
    """Return the code of an error that a driver of MySQL has raised, or None if it was none of theirs."""
    original = getattr(error, "orig", None)
    code = original.args[0] if original is not None and original.args else None
    return code if isinstance(code, int) else None


def is_deadlock(error: BaseException | None) -> bool:
    """Whether the database has undone the whole transaction for the sake of another, so that it can run again."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return state in _POSTGRES_DEADLOCKS or mysql_code(error) in _MYSQL_DEADLOCKS


def is_collision(error: BaseException) -> bool:
    """Whether a row was to replace one of another name, which the collation takes for equal (see statements)."""
    return mysql_code(error) == _SUBQUERY_OF_TWO_ROWS


def is_outage(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the same statement may succeed later: the server is away, busy, full or read-only for now.

    A full disk and a locked file count as outages, because somebody can make room; a missing table does not.
    """
    if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)):
        return not any(text in str(getattr(error, "orig", "")) for text in _SQLITE_LASTING)
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _POSTGRES_PASSING


def advice_for(error: BaseException) -> str:
    """Return what a user can do about an error, or an empty text."""
    return _ADVICE.get(mysql_code(error) or 0, "")
