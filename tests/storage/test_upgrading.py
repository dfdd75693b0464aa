"""Databases of every revision of Optuna's schema, made by Optuna's own scripts, upgraded by Optuna and by us."""

import contextlib
import datetime as dt
import json
import pathlib
import warnings

import optuna
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from raystudy.distributions import distribution_to_json, json_to_distribution
from raystudy.exceptions import StorageInternalError, StorageUnavailable
from raystudy.storages import tables
from raystudy.storages.rdb import RDBStorage
from raystudy.storages.schema import VERSIONS

FLOAT32_MAX = 3.4028234663852886e38
START = dt.datetime(2021, 3, 4, 5, 6, 7)
OLD_FORMS = {
    "u": ("UniformDistribution", {"low": -1.0, "high": 1.0}),
    "l": ("LogUniformDistribution", {"low": 1e-6, "high": 1.0}),
    "d": ("DiscreteUniformDistribution", {"low": 0.0, "high": 1.0, "q": 0.25}),
    "i": ("IntUniformDistribution", {"low": 0, "high": 9, "step": 3}),
    "k": ("IntLogUniformDistribution", {"low": 1, "high": 64, "step": 1}),
    "c": ("CategoricalDistribution", {"choices": [None, "a", 2.5]}),
}
INTERNAL = {"u": 0.5, "l": 0.125, "d": 0.75, "i": 6.0, "k": 32.0, "c": 2.0}
STATES = ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "RUNNING", "FAIL"]
VALUES = [0.5, FLOAT32_MAX, -FLOAT32_MAX, 0.25, None, None]
REPORTS = [[0.5, 0.25], [FLOAT32_MAX], [-FLOAT32_MAX, 1e20], [0.25], [], []]


def run_scripts(url, revision):
    """Let Optuna's own scripts bring a database to a revision."""
    folder = pathlib.Path(optuna.storages.__file__).parent / "_rdb"
    config = Config(str(folder / "alembic.ini"))
    config.set_main_option("script_location", str(folder / "alembic"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    _smooth_the_way_to_2_4(url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        command.upgrade(config, revision)


def _smooth_the_way_to_2_4(url):
    """Do what Optuna's script for 2.4 cannot: it meets a type that exists, and a key that MariaDB keeps."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        inspector = sa.inspect(connection)
        if inspector.has_table("trials") and not inspector.has_table("study_directions"):
            tables.study_directions.create(connection)
            if engine.url.get_backend_name() == "mysql":
                connection.execute(
                    sa.text("ALTER TABLE trial_values ADD INDEX (trial_id), DROP INDEX trial_id")
                )
    engine.dispose()


def make_old(url, revision):
    """A database of a revision, with trials as an Optuna of that time has written them."""
    run_scripts(url, min(revision, "v1.3.0.a"))
    run_scripts(url, revision)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        writer = OldWriter(connection, revision)
        writer.write_study()
        for number, row in enumerate(zip(STATES, VALUES, REPORTS, strict=True)):
            writer.write_trial(number, *row)
        if revision == "v3.0.0.b":  # the only one that holds a NaN, as NULL
            writer.insert("trial_intermediate_values", trial_id=14, step=9, intermediate_value=None)
        if connection.dialect.name == "postgresql":
            moved = "setval('trials_trial_id_seq', 15), setval('studies_study_id_seq', 7)"
            connection.execute(sa.text(f"SELECT {moved}"))
    engine.dispose()


class OldWriter:
    """Writes rows as an Optuna of a revision did: into the columns that there are."""

    def __init__(self, connection, revision):
        self.connection, self.revision = connection, revision
        self.tables = sa.MetaData()
        self.tables.reflect(connection)

    def insert(self, table, **row):
        table = self.tables.tables[table]
        present = {name: value for name, value in row.items() if name in table.c}
        self.connection.execute(sa.insert(table).values(present))

    def has(self, table, column):
        return column in self.tables.tables[table].c

    def write_study(self):
        self.insert("version_info", version_info_id=1, schema_version=12, library_version="old")
        self.insert("studies", study_id=7, study_name="s", direction="MAXIMIZE")
        if not self.has("studies", "direction"):
            self.insert("study_directions", study_id=7, objective=0, direction="MAXIMIZE")
        self.insert("study_user_attributes", study_id=7, key="owner", value_json='"ann"')
        self.insert("study_system_attributes", study_id=7, key="n", value_json="3")

    def write_trial(self, number, state, value, reports):
        trial = {"trial_id": 10 + number}
        end = START + dt.timedelta(hours=1) if state != "RUNNING" else None
        times = {"datetime_start": START, "datetime_complete": end}
        self.insert("trials", **trial, number=number, study_id=7, state=state, value=value, **times)
        if not self.has("trials", "number"):
            self.insert("trial_system_attributes", **trial, key="_number", value_json=str(number))
        self.insert("trial_system_attributes", **trial, key="grid_id", value_json=str(number))
        self.insert("trial_user_attributes", **trial, key="note", value_json='{"a": [1, null]}')
        for name, internal in INTERNAL.items():
            row = {"param_name": name, "param_value": internal, "distribution_json": self.distribution(name)}
            self.insert("trial_params", **trial, **row)
        if self.has("trial_values", "objective") and value is not None:
            self.insert("trial_values", **trial, objective=0, **self.number("trial_values", "value", value))
        table, column = "trial_intermediate_values", "intermediate_value"
        if self.has("trial_values", "step"):
            table, column = "trial_values", "value"
        for step, report in enumerate(reports):
            self.insert(table, **trial, step=step, **self.number(table, column, report))

    def distribution(self, name):
        form, attributes = OLD_FORMS[name]
        text = json.dumps({"name": form, "attributes": attributes})
        return distribution_to_json(json_to_distribution(text)) if self.revision >= "v3" else text

    def number(self, table, column, value):
        if not self.has(table, column + "_type") or abs(value) < FLOAT32_MAX:
            return {column: value, column + "_type": "FINITE"}
        return {column: None, column + "_type": "INF_POS" if value > 0 else "INF_NEG"}


def upgrade_with_optuna(url):
    # By the scripts alone: Optuna 5 creates the tables of today first, on which its script for 2.4 then fails.
    run_scripts(url, "head")


def upgrade_with_raystudy(url):
    with contextlib.closing(RDBStorage(url, skip_compatibility_check=True)) as storage:
        storage.upgrade()


def read_with_optuna(url):
    storage = optuna.storages.RDBStorage(url)
    study = optuna.load_study(study_name="s", storage=storage)
    found = (study.trials, study.direction, study.user_attrs, storage.get_study_system_attrs(study._study_id))
    storage.remove_session()
    storage.engine.dispose()
    return found


@pytest.mark.parametrize("revision", VERSIONS[1:])
def test_an_upgraded_database_holds_what_optuna_makes_of_it(make_url, ddl_of, revision):
    theirs, ours, new = make_url(), make_url(), make_url()
    for url in (theirs, ours):
        make_old(url, revision)
    upgrade_with_optuna(theirs)
    upgrade_with_raystudy(ours)
    trials, *study = read_with_optuna(ours)
    assert repr([trials, *study]) == repr(list(read_with_optuna(theirs)))  # NaN, too
    assert [trial.value for trial in trials] == [0.5, float("inf"), float("-inf"), 0.25, None, None]
    RDBStorage(new).close()
    if revision != VERSIONS[1]:
        assert ddl_of(ours) == ddl_of(new)


@pytest.mark.parametrize("revision", VERSIONS[1:])
def test_an_older_database_is_refused_as_it_is_and_read_and_continued_once_upgraded(url, ddl_of, revision):
    make_old(url, revision)
    before = ddl_of(url)
    with pytest.raises(StorageUnavailable, match=rf"found {revision}; make a backup, then .*\.upgrade\(\)"):
        RDBStorage(url)
    assert ddl_of(url) == before
    upgrade_with_raystudy(url)
    storage = RDBStorage(url)
    trials = storage.read_trials(7)
    assert [trial.state.name for trial in trials] == STATES
    assert trials[0].params == {"u": 0.5, "l": 0.125, "d": 0.75, "i": 6, "k": 32, "c": 2.5}
    assert storage.create_new_trial(7) > trials[-1].trial_id  # the counters of the keys have come along
    assert storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "t") > 7
    assert storage.get_current_version() == storage.get_head_version() == storage.get_all_versions()[0]
    storage.close()


def test_versions_are_those_of_optuna(url):
    ours, theirs = RDBStorage(url), optuna.storages.RDBStorage(url)
    assert ours.get_all_versions() == theirs.get_all_versions()
    assert ours.get_head_version() == theirs.get_head_version()
    assert ours.get_current_version() == theirs.get_current_version()
    ours.close()
    theirs.remove_session()
    theirs.engine.dispose()


def test_an_upgrade_of_a_new_database_changes_nothing(url, ddl_of):
    RDBStorage(url).close()
    before = ddl_of(url)
    upgrade_with_raystudy(url)
    assert ddl_of(url) == before


def change(url, statement):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()


@pytest.mark.parametrize(("revision", "table"), [("v1.3.0.a", "trials"), ("v2.6.0.a", "trial_values")])
def test_a_complete_trial_without_a_value_stops_the_upgrade_before_it_begins(url, ddl_of, revision, table):
    make_old(url, revision)
    change(url, f"UPDATE {table} SET value = NULL WHERE trial_id = 11")
    before = ddl_of(url)
    with pytest.raises(StorageInternalError, match=r"none in those with the ids \[11\]; set the state"):
        upgrade_with_raystudy(url)
    assert ddl_of(url) == before


def test_a_distribution_that_cannot_be_read_leaves_all_as_it_was(url, ddl_of):
    make_old(url, "v2.6.0.a")
    change(url, 'UPDATE trial_params SET distribution_json = \'{"name": "OddUniformDistribution"}\'')
    before = ddl_of(url)
    with pytest.raises(StorageInternalError, match="OddUniformDistribution"):
        upgrade_with_raystudy(url)
    assert ddl_of(url) == before


def test_an_upgrade_that_was_cut_off_on_mysql_begins_again(make_mysql, ddl_of):
    url, new = make_mysql(), make_mysql()
    make_old(url, "v2.6.0.a")
    names = ["studies", "study_directions", "study_user_attributes", "study_system_attributes", "trials"]
    names += ["trial_user_attributes", "trial_system_attributes", "trial_params", "trial_values"]
    names += ["trial_intermediate_values"]
    change(url, "RENAME TABLE " + ", ".join(f"{name} TO raystudy_old_{name}" for name in names))
    change(url, "CREATE TABLE studies (study_id INTEGER)")
    upgrade_with_raystudy(url)
    RDBStorage(new).close()
    assert len(read_with_optuna(url)[0]) == len(STATES)
    assert ddl_of(url) == ddl_of(new)


@pytest.mark.parametrize("name", OLD_FORMS)
def test_old_forms_of_distributions_are_read_as_optuna_reads_them(name):
    form, attributes = OLD_FORMS[name]
    text = json.dumps({"name": form, "attributes": attributes})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = optuna.distributions.json_to_distribution(text)
        convert = optuna.distributions._convert_old_distribution_to_new_distribution
        expected = optuna.distributions.distribution_to_json(convert(theirs, suppress_warning=True))
    assert json.loads(distribution_to_json(json_to_distribution(text))) == json.loads(expected)


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "float", "low": 0, "high": 1}',
        '{"type": "float", "low": 1, "high": 2, "log": true}',
        '{"type": "int", "low": 0, "high": 9, "step": 3}',
        '{"type": "int", "low": 0, "high": 9, "step": null}',
        '{"type": "categorical", "choices": [null, "a"]}',
    ],
)
def test_short_forms_of_distributions_are_read_as_optuna_reads_them(text):
    expected = optuna.distributions.distribution_to_json(optuna.distributions.json_to_distribution(text))
    assert json.loads(distribution_to_json(json_to_distribution(text))) == json.loads(expected)
