"""The Spark session on one machine and under spark-submit, and the settings it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pyspark
import pytest
from pyspark.conf import SparkConf
from pyspark.sql import SparkSession

from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError, InputError
from autotag_core.local_machine import PROJECT, spark_classpath
from jobs.process.session import (
    ANONYMOUS,
    AWS_CHAIN,
    REQUIRED,
    _follow_environment,
    _local_conf,
    blas_settings,
    read_defaults,
    spark_session,
)

pytestmark = pytest.mark.integration
DEFAULTS = read_defaults(PROJECT / "spark-defaults.conf")

# What two tasks on executors see, as the last line of the output.
LOOK = """
import json, os, sys
from jobs.process.session import spark_session
spark = spark_session("look", *sys.argv[1:], extra=json.loads(os.environ.get("EXTRA", "{}")))
def look(rows):
    import time
    import jobs.process.session
    from pyspark import TaskContext
    time.sleep(2)  # so that both executors get a task
    yield [TaskContext.get().resources()["gpu"].addresses, os.environ["SPARK_EXECUTOR_DIRS"], sys.version_info[:2]]
seen = spark.sparkContext.parallelize(range(2), 2).mapPartitions(look).collect()
table = sys.path[0] + "/table"
if len(sys.argv) == 1:  # under spark-submit
    spark.range(3).write.parquet(table)
print(json.dumps({
    "gpus": [row[0] for row in seen],
    "executors": len({row[1] for row in seen}),
    "python": all(tuple(row[2]) == sys.version_info[:2] for row in seen),
    "rows": spark.read.parquet(table).count() if len(sys.argv) == 1 else None,
    "java": spark._jvm.java.lang.System.getProperty("java.specification.version"),
    "conf": dict(spark.sparkContext.getConf().getAll()),
}))
"""


@pytest.fixture
def gpu_script(temporary: Path) -> str:
    """A discovery script that finds one GPU, as Spark's own does where nvidia-smi is."""
    script = temporary / "gpus.sh"
    script.write_text("""#!/bin/sh\necho '{"name": "gpu", "addresses": ["0"]}'\n""")
    script.chmod(0o755)
    return str(script)


def last_line_of(command: list[str], environment: dict[str, str], folder: Path) -> dict[str, object]:
    (folder / "look.py").write_text(LOOK)
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_two_executors_with_a_gpu_each_on_the_packaged_java(
    temporary: Path, without_java: dict[str, str], gpu_script: str
) -> None:
    extra = {
        "spark.worker.resource.gpu.amount": "1",
        "spark.worker.resource.gpu.discoveryScript": gpu_script,
        "spark.executor.resource.gpu.amount": "1",
        "spark.executor.resource.gpu.discoveryScript": gpu_script,
        "spark.task.resource.gpu.amount": "1",
    }
    environment = without_java | {"EXTRA": json.dumps(extra), "PYTHONPATH": str(PROJECT)}
    seen = last_line_of([sys.executable, "look.py", "local-cluster[2,1,1024]"], environment, temporary)
    assert (seen["gpus"], seen["executors"], seen["python"]) == ([["0"], ["0"]], 2, True)
    assert seen["java"] == "21"


def test_spark_submit_runs_on_spark_defaults_with_the_clusters_own_settings_kept(
    temporary: Path, gpu_script: str
) -> None:
    own = {
        "spark.worker.resource.gpu.amount": "1",
        "spark.worker.resource.gpu.discoveryScript": gpu_script,
        "spark.executor.resource.gpu.amount": "1",
        "spark.executor.resource.gpu.discoveryScript": gpu_script,
        "spark.executor.cores": "1",
        "spark.executor.memory": "1g",
        "spark.driver.memory": "1g",
        "spark.pyspark.python": sys.executable,
        "spark.task.resource.gpu.amount": "1",
        "spark.dynamicAllocation.minExecutors": "2",
        "spark.executor.extraClassPath": spark_classpath(),
        "spark.sql.shuffle.partitions": "17",
    }
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local-cluster[2,1,1024]"]
    submit += ["--properties-file", str(PROJECT / "spark-defaults.conf"), "--driver-class-path", spark_classpath()]
    submit += [word for key, value in own.items() for word in ("--conf", f"{key}={value}")]
    environment = dict(os.environ) | {"PYTHONPATH": str(PROJECT), "SPARK_HOME": str(Path(pyspark.__file__).parent)}
    seen = last_line_of([*submit, "look.py"], environment, temporary)
    assert (seen["gpus"], seen["rows"]) == ([["0"], ["0"]], 3)
    expected = DEFAULTS | REQUIRED | own
    assert expected.items() <= seen["conf"].items()  # type: ignore[attr-defined]


def test_each_line_of_spark_defaults_has_its_reason_above_it() -> None:
    lines = (PROJECT / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    assert len(settings) == len(DEFAULTS) > 30
    assert [lines[number] for number in settings if not lines[number - 1].startswith("# ")] == []
    assert [lines[number] for number in settings if lines[number - 1].startswith("# ---")] == []


def test_no_gpu_is_asked_for_unless_somebody_takes_the_hash_off_its_lines() -> None:
    assert [key for key in DEFAULTS if "resource" in key] == []
    text = (PROJECT / "spark-defaults.conf").read_text(encoding="utf-8")
    offered = dict(line.removeprefix("#").split() for line in text.splitlines() if line.startswith("#spark."))
    assert offered == {
        "spark.executor.resource.gpu.amount": "1",
        "spark.executor.resource.gpu.vendor": "nvidia.com",
        "spark.executor.resource.gpu.discoveryScript": "/opt/spark/examples/src/main/scripts/getGpusResources.sh",
        "spark.task.resource.gpu.amount": str(1 / int(DEFAULTS["spark.executor.cores"])),
    }


def test_an_index_shard_and_its_python_fit_what_an_executor_has_outside_its_heap() -> None:
    tasks = int(DEFAULTS["spark.executor.cores"])
    building = 2 * NeighborsConfig().shard_size * 1280 * 4 + NeighborsConfig().shard_size * (8 * 16 + 16 + 200)
    assert tasks * (building + 500e6 + 200e6) < int(DEFAULTS["spark.executor.memoryOverhead"].removesuffix("g")) * 2**30


def test_every_key_of_spark_defaults_is_one_that_spark_or_hadoop_knows(spark: SparkSession) -> None:
    jvm = spark._jvm
    assert jvm is not None
    hadoop = jvm.org.apache.hadoop.conf.Configuration()  # core-default.xml, without what this session sets

    def is_known(key: str) -> bool:
        if key.startswith("spark.hadoop."):
            return hadoop.get(key.removeprefix("spark.hadoop.")) is not None
        return jvm.org.apache.spark.internal.config.ConfigEntry.findEntry(key) is not None

    assert [key for key in DEFAULTS if not is_known(key)] == []
    assert [is_known(key) for key in ("spark.speculatoin", "spark.hadoop.fs.s3a.retries")] == [False, False]


def test_a_second_call_gives_the_running_session(spark: SparkSession) -> None:
    assert spark_session("another", master="local[1]") is spark


def test_what_one_machine_cannot_give_is_left_out() -> None:
    keys = [key for key, _ in _local_conf("local[2]").getAll()]
    assert [key for key in keys if "resource" in key or key.startswith(("spark.executor.m", "spark.dynamic"))] == []
    assert [key for key in keys if key in ("spark.pyspark.python", "spark.driver.maxResultSize")] == []
    assert "spark.sql.adaptive.enabled" in keys


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        ("sse2 avx avx2 fma avx512f avx512dq avx512cd avx512bw avx512vl", "SkylakeX"),
        ("sse2 avx avx2 fma avx512f", "Haswell"),
        ("sse2 avx", None),
    ],
)
def test_matrix_products_are_made_for_what_the_processor_can(
    flags: str, kind: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"model name\t: newer than OpenBLAS\nflags\t\t: fpu {flags}\nbugs\t\t: avx2x\n")
    assert blas_settings(cpu_info) == ({"spark.executorEnv.OPENBLAS_CORETYPE": kind} if kind else {})
    assert blas_settings(tmp_path / "none") == {}
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    assert blas_settings(cpu_info) == {}


def test_a_clusters_master_is_for_spark_submit() -> None:
    with pytest.raises(InputError, match=r"run `spark-submit --master spark://host:7077 jobs/nightly\.py"):
        _local_conf("spark://host:7077")


def test_missing_jars_say_make_setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTAG_CACHE", str(tmp_path))
    with pytest.raises(
        AutotagError, match=r"jars/spark(-oldest)? is missing or out of date: run `make (setup|test-oldest)`"
    ):
        _local_conf("local[2]")


def test_s3a_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.example.org")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    settings = dict(_local_conf("local[2]").getAll())
    assert settings["spark.hadoop.fs.s3a.endpoint"] == "https://s3.example.org"
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-3"
    assert settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "true"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert "spark.hadoop.fs.s3a.endpoint" not in dict(_local_conf("local[2]").getAll())


def submitted(monkeypatch: pytest.MonkeyPatch, own: dict[str, str], **environment: str) -> dict[str, str]:
    """What spark-submit's settings become where these variables, and no other AWS ones, are set."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    conf = SparkConf(loadDefaults=False).setAll(list(own.items()))
    return dict(_follow_environment(conf).getAll())


def test_under_spark_submit_s3a_and_the_executors_follow_the_drivers_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = submitted(
        monkeypatch,
        {"spark.hadoop.fs.s3a.path.style.access": "false"},
        AWS_ENDPOINT_URL="http://s3.example.org",
        AWS_REGION="eu-west-3",
        AWS_ACCESS_KEY_ID="id",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_SESSION_TOKEN="token",
    )
    assert settings == {
        "spark.hadoop.fs.s3a.aws.credentials.provider": AWS_CHAIN,
        "spark.hadoop.fs.s3a.endpoint": "http://s3.example.org",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-3",
        "spark.hadoop.fs.s3a.path.style.access": "false",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.executorEnv.AWS_ENDPOINT_URL": "http://s3.example.org",
        "spark.executorEnv.AWS_REGION": "eu-west-3",
    }


def test_s3a_reads_public_buckets_and_those_whose_requester_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {"spark.hadoop.fs.s3a.aws.credentials.provider": AWS_CHAIN}
    expected = {
        "spark.hadoop.fs.s3a.aws.credentials.provider": ANONYMOUS,
        "spark.hadoop.fs.s3a.requester.pays.enabled": "true",
        "spark.executorEnv.AWS_SKIP_SIGNATURE": "true",
        "spark.executorEnv.AWS_REQUEST_PAYER": "true",
    }
    assert submitted(monkeypatch, defaults, AWS_SKIP_SIGNATURE="true", AWS_REQUEST_PAYER="true") == expected
    own = {"spark.hadoop.fs.s3a.aws.credentials.provider": "com.example.Provider"}
    assert own.items() <= submitted(monkeypatch, own, AWS_SKIP_SIGNATURE="true").items()
    monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
    here = dict(_local_conf("local[2]").getAll())
    assert here["spark.hadoop.fs.s3a.aws.credentials.provider"] == ANONYMOUS
    assert here["spark.hadoop.fs.s3a.requester.pays.enabled"] == "true"


def test_a_clusters_own_s3_settings_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"spark.hadoop.fs.s3a.endpoint": "https://own", "spark.executorEnv.AWS_ENDPOINT_URL": "https://own"}
    assert submitted(monkeypatch, own, AWS_ENDPOINT_URL="http://other") == own
    assert submitted(monkeypatch, own) == own
    assert submitted(monkeypatch, {}) == {"spark.hadoop.fs.s3a.aws.credentials.provider": AWS_CHAIN}


def test_an_endpoint_with_credentials_never_reaches_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no credentials in a URI") as caught:
        submitted(monkeypatch, {}, AWS_ENDPOINT_URL="http://me:secret@host")
    assert "secret" not in str(caught.value)
    own = {"spark.hadoop.fs.s3a.endpoint": "https://own"}
    with pytest.raises(InputError, match="no credentials in a URI"):
        submitted(monkeypatch, own, AWS_ENDPOINT_URL="http://me:secret@host")


def test_a_local_session_is_the_same_beside_an_installed_spark(temporary: Path) -> None:
    folder = temporary / "Bücher und Späße"
    (folder / "python" / "pyspark").mkdir(parents=True)
    (folder / "python" / "pyspark" / "__init__.py").write_text("raise ImportError('another Spark')")
    (folder / "spark-defaults.conf").write_text("spark.master yarn\nspark.sql.session.timeZone Asia/Tokyo\n")
    script = """
import os, sys
from jobs.process.local_environment import leave_out_other_sparks
leave_out_other_sparks(os.environ)
from jobs.process.session import spark_session
spark = spark_session("look", "local[1]")
spark.range(3).write.parquet(sys.argv[1])
rows = spark.sparkContext.parallelize([0], 1).map(lambda _: os.environ.get("HADOOP_CONF_DIR", "none")).collect()
print(spark.read.parquet(sys.argv[1]).count(), spark.conf.get("spark.sql.session.timeZone"), rows)
"""
    theirs = {
        "LC_ALL": "C",
        "SPARK_HOME": "/opt/there-is-no-spark",
        "SPARK_CONF_DIR": str(folder),
        "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
        "PYSPARK_PYTHON": "/usr/bin/there-is-no-python",
        "HADOOP_CONF_DIR": str(folder),
        "_JAVA_OPTIONS": "-Xmx2m",
        "SPARK_MASTER": "yarn",
        "SPARK_REMOTE": "sc://nowhere",
        "PYTHONPATH": f"{folder / 'python'}{os.pathsep}{PROJECT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder / "Täfelchen")],
        env=os.environ | theirs,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "3 UTC ['none']"
    assert "Picked up" not in done.stderr
    assert (folder / "Täfelchen" / "_SUCCESS").is_file()


_ARCHIVING = """
import sys
from pathlib import Path
import jobs.process.session
from autotag_core.local_machine import ClassArchive
jobs.process.session._class_archive = lambda: ClassArchive(Path(sys.argv[1]))
spark = jobs.process.session.spark_session("look", "local[1]", is_short=True, makes_archive=True)
assert spark.range(3).count() == 3
process, mapped = spark.sparkContext._gateway.proc, Path(f"/proc/{spark.sparkContext._gateway.proc.pid}/maps")
is_mapped = sys.argv[1] in mapped.read_text() if mapped.exists() else None
"""


def test_the_first_session_leaves_its_classes_for_the_next_one_and_no_jvm(temporary: Path) -> None:
    archive = temporary / "archive folder" / "classes.jsa"
    printed = []
    for _ in range(2):
        done = _run_archiving(archive, "jobs.process.session.end_session(spark)\nprint(is_mapped, process.poll())")
        assert done.returncode == 0, done.stderr[-3000:]
        printed.append(done.stdout.splitlines()[-1])
        assert archive.is_file()
    assert printed[0].endswith(" 0") and printed[1].split()[0] in ("True", "None")


def test_a_session_that_fails_before_its_end_keeps_no_archive_and_leaves_no_jvm(temporary: Path) -> None:
    archive = temporary / "classes.jsa"
    done = _run_archiving(archive, "print(process.pid, flush=True)\nsys.exit(130)")
    assert done.returncode == 130, done.stderr[-3000:]
    assert not psutil.pid_exists(int(done.stdout.splitlines()[-1]))
    assert not archive.is_file()


def _run_archiving(archive: Path, ending: str) -> subprocess.CompletedProcess[str]:
    archive.parent.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-c", _ARCHIVING + ending, str(archive)],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
