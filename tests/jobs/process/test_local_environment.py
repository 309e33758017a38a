"""A Spark of the job's own runs on this machine, whatever other Spark somebody has installed and set up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyspark
import pytest

from jobs.process.local_environment import leave_out_other_sparks, own_spark_environment

THEIRS = {
    "SPARK_HOME": "/opt/spark",
    "SPARK_CONF_DIR": "/etc/spark",
    "SPARK_MASTER": "yarn",
    "SPARK_REMOTE": "sc://host",
    "SPARK_LOCAL_IP": "10.0.0.7",
    "SPARK_SUBMIT_OPTS": "-Dspark.master=yarn",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "PYSPARK_PYTHON": "/usr/bin/python2",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "HADOOP_CONF_DIR": "/etc/hadoop",
    "YARN_CONF_DIR": "/etc/hadoop",
    "MASTER": "yarn",
    "JAVA_TOOL_OPTIONS": "-Xmx1m",
    "_JAVA_OPTIONS": "-Xmx1m",
    "JDK_JAVA_OPTIONS": "-Xmx1m",
}


def test_nothing_of_another_spark_is_left() -> None:
    environment = THEIRS | {
        "PATH": "/bin",
        "SPARK_LOCAL_DIRS": "/mnt/scratch",
        "LANG": "de_DE.UTF-8",
        "AWS_REGION": "x",
    }
    own_spark_environment(environment)
    assert environment == {
        "PATH": "/bin",
        "SPARK_LOCAL_DIRS": "/mnt/scratch",
        "LANG": "de_DE.UTF-8",
        "AWS_REGION": "x",
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@pytest.mark.parametrize(
    ("locale", "lc_all"),
    [
        ({}, "C.UTF-8"),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "C.UTF-8"),
        ({"LANG": "de_DE.ISO-8859-1"}, "C.UTF-8"),
        ({"LANG": "C", "LC_CTYPE": "de_DE.utf8"}, None),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "C"}, "en_US.UTF-8"),
    ],
)
def test_names_of_files_are_utf_8_whatever_the_locale(locale: dict[str, str], lc_all: str | None) -> None:
    environment = dict(locale)
    own_spark_environment(environment)
    assert environment.get("LC_ALL") == lc_all


def test_the_python_of_an_installed_spark_is_left_out_and_other_folders_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "python" / "pyspark").mkdir(parents=True)
    archive = str(tmp_path / "python" / "lib" / "py4j-0.10.9.9-src.zip")
    theirs = [str(tmp_path / "python"), archive]
    monkeypatch.setattr(sys, "path", [*theirs, str(tmp_path), *sys.path])
    environment = {"PYTHONPATH": os.pathsep.join([*theirs, "", str(tmp_path)])}
    leave_out_other_sparks(environment)
    assert environment == {"PYTHONPATH": str(tmp_path)}
    assert sys.path[0] == str(tmp_path) and not set(theirs) & set(sys.path)


def test_a_pyspark_that_is_nowhere_else_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyspark").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path), "/usr/lib/python"])
    environment = {"PYTHONPATH": str(tmp_path)}
    leave_out_other_sparks(environment)
    assert (environment, sys.path[0]) == ({"PYTHONPATH": str(tmp_path)}, str(tmp_path))
