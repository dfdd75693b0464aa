"""Our tables are Optuna's, statement by statement, and each side opens what the other has created."""

import contextlib

import optuna
import pytest
import sqlalchemy as sa

from raystudy.exceptions import StorageUnavailable
from raystudy.storages.rdb import RDBStorage
from raystudy.storages.schema import write_versions
from raystudy.storages.tables import metadata


def run(url, *queries):
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = [sorted(map(repr, connection.execute(sa.text(query)))) for query in queries]
    engine.dispose()
    return rows


def create_with_optuna(url):
    optuna.storages.RDBStorage(url).engine.dispose()


def create_with_raystudy(url):
    RDBStorage(url).close()


def test_the_ddl_is_that_of_optuna(make_url, ddl_of):
    theirs, ours = make_url(), make_url()
    create_with_optuna(theirs)
    create_with_raystudy(ours)
    expected = ddl_of(theirs)
    assert max(map(len, [*expected, expected])) >= 13
    assert ddl_of(ours) == expected


def test_the_thirteen_tables_hold_the_versions_that_optuna_writes(make_url):
    theirs, ours = make_url(), make_url()
    create_with_optuna(theirs)
    create_with_raystudy(ours)
    versions = ["SELECT * FROM version_info", "SELECT * FROM alembic_version"]
    assert run(ours, *versions) == run(theirs, *versions)
    assert len(metadata.tables) == 13


def test_mysql_gets_enums_by_name():
    from sqlalchemy.dialects import mysql
    from sqlalchemy.schema import CreateTable

    ddl = str(CreateTable(metadata.tables["trials"]).compile(dialect=mysql.dialect()))
    assert "ENUM('RUNNING','COMPLETE','PRUNED','FAIL','WAITING')" in ddl


def test_every_statement_compiles_for_mysql():
    from dataclasses import fields

    from sqlalchemy.dialects import mysql

    from raystudy.storages.statements import Statements

    statements = Statements.of("mysql")
    texts = {
        f.name: str(getattr(statements, f.name).compile(dialect=mysql.dialect())) for f in fields(statements)
    }
    assert "value_json = VALUES(value_json)" in texts["put_user_attrs"]
    assert "ON DUPLICATE KEY UPDATE step = trial_intermediate_values.step" in texts["keep_reports"]


def test_opening_twice_changes_nothing(url):
    create_with_raystudy(url)
    create_with_raystudy(url)
    assert run(url, "SELECT count(*) FROM version_info") == [["(1,)"]]


def test_a_database_without_versions_gets_them(url):
    engine = sa.create_engine(url)
    metadata.create_all(
        engine
    )  # as Optuna leaves it with skip_compatibility_check, or when it is killed here
    engine.dispose()
    create_with_raystudy(url)
    assert run(url, "SELECT version_num FROM alembic_version") == [["('v3.2.0.a',)"]]


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        ("v3.0.0.d", r"RDBStorage\(url, skip_compatibility_check=True\)\.upgrade\(\)"),
        ("v9.9.9.a", "update raystudy"),
    ],
)
def test_another_schema_is_refused_with_both_versions(url, found, advice):
    create_with_raystudy(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.update(metadata.tables["alembic_version"]).values(version_num=found))
    engine.dispose()
    with pytest.raises(StorageUnavailable, match=rf"v3\.2\.0\.a .* found {found}; .*{advice}"):
        RDBStorage(url)


def test_without_tables_and_the_right_to_create_them_the_text_says_so(url):
    with pytest.raises(
        StorageUnavailable, match="found none; open it once with a user who may create tables"
    ):
        RDBStorage(url, skip_table_creation=True)


def test_many_may_create_the_tables_at_once(url):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(6) as pool, contextlib.ExitStack() as stack:
        for storage in pool.map(lambda _: RDBStorage(url), range(6)):
            stack.callback(storage.close)
    assert run(url, "SELECT count(*) FROM alembic_version") == [["(1,)"]]


@pytest.mark.parametrize("server", ["make_postgres", "make_mysql"])
def test_a_program_without_our_lock_may_create_the_tables_at_the_same_time(server, request):
    from concurrent.futures import ThreadPoolExecutor

    url = request.getfixturevalue(server)()
    engine = sa.create_engine(url)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            metadata.create_all(connection)
            write_versions(connection)
            opening = pool.submit(RDBStorage, url)
            with pytest.raises(TimeoutError):
                opening.result(0.3)  # it waits for the rows that are not committed
        opening.result(30).close()
    engine.dispose()
    assert (
        run(url, "SELECT count(*) FROM alembic_version", "SELECT count(*) FROM version_info")
        == [["(1,)"]] * 2
    )
