"""The one place where the Spark session is built, on one machine or under spark-submit."""

from __future__ import annotations

import atexit
import os
import shutil
from contextlib import suppress
from pathlib import Path

from pyspark import SparkFiles
from pyspark.conf import SparkConf
from pyspark.sql import SparkSession

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.local_machine import PROJECT, ClassArchive, class_archive, find_java, spark_classpath
from autotag_core.local_machine.class_archive import MAKING_FLAG
from jobs.process.jvm import end_jvm
from jobs.process.jvm_names import remember_names
from jobs.process.local_environment import own_spark_environment
from jobs.process.memory_limit import driver_memory_mb

AWS_CHAIN = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
_PROVIDER = "spark.hadoop.fs.s3a.aws.credentials.provider"
ANONYMOUS = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
REQUIRED = {
    # Times in tables are UTC wherever the job runs.
    "spark.sql.session.timeZone": "UTC",
    # A union has the partitions of its parts, one after another. Spark from 4.1 on would otherwise lay parts of one
    # partition each together. Two experts' embeddings would then be in one task, which searches those of one.
    "spark.sql.unionOutputPartitioning": "false",
}
"""Settings that the job's results depend on, whoever runs it."""
LOCAL_MASTER = "local[*,4]"
"""Every core. A task may fail three times, as on a cluster."""
CLUSTER_ONLY = (
    "spark.executor.cores",
    "spark.executor.memory",
    "spark.driver.",
    "spark.pyspark.",
    "spark.executor.resource.",
    "spark.task.resource.",
    "spark.dynamicAllocation.",
)
"""Beginnings of the settings in spark-defaults.conf that one machine cannot give: sizes, GPUs, more executors, an
image's Python."""
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m"
"""Options of a JVM that ends within minutes. Compiling for a long life would be 40% of its CPU time. The first option
alone leaves 48 MB for compiled code. A thousand queries fill these, and the JVM would then throw away and compile again
without end."""
SHORT_SETTINGS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
"""In such a short run generated Java would run once, and cost a tenth of a small night. Nor is Spark told at each step
which line of Python takes it, for its own errors: Python's traceback names the line too."""
_JAVA_OPTIONS = "spark.driver.defaultJavaOptions"
CPU_INFO = Path("/proc/cpuinfo")
BLAS_KINDS = {
    "SkylakeX": {"avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl", "fma"},
    "Haswell": {"avx2", "fma"},
}
"""OpenBLAS's names of processors, best first, and the flags of /proc/cpuinfo that each needs."""
AWS_PLACES = (
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_SKIP_SIGNATURE", "AWS_REQUEST_PAYER"),
)
"""Variables that say where S3 is and how to ask it, and hold no secret."""


def spark_session(
    app_name: str,
    master: str | None = None,
    extra: dict[str, str] | None = None,
    is_short: bool = False,
    makes_archive: bool = False,
) -> SparkSession:
    """The Spark session of this process, started if there is none.

    Under spark-submit the cluster's settings hold. Added are REQUIRED, the S3 server that this process's environment
    names, and the wheels of --py-files for the workers. Otherwise Spark runs on this machine, on `master`: local[*] or
    local-cluster[n,cores,MiB]. It takes spark-defaults.conf, the fetched jars and the same S3 server, and nothing of
    another Spark that the environment names.

    On this machine, `is_short` sets up the JVM for a run of minutes. The JVM takes its classes from an archive if there
    is one. If not, `makes_archive` makes the JVM write one, which `end_session` keeps. `extra` wins over everything
    else.

    InputError if `master` is a cluster. AutotagError says to run `make setup` when Java or jars are missing.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    remember_names()
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    conf = _follow_environment(SparkConf()) if submitted else _local_conf(master or LOCAL_MASTER, makes_archive)
    if is_short and not submitted:
        conf.set("spark.driver.extraJavaOptions", SHORT_LIVED).setAll(list(SHORT_SETTINGS.items()))
    conf.setAll(list(REQUIRED.items()))
    conf.setAll(list((extra or {}).items()))
    spark = SparkSession.builder.appName(app_name).config(conf=conf).getOrCreate()
    if submitted:
        _ship_wheels(spark)
    elif _makes_archive(spark):
        atexit.register(end_jvm, spark.sparkContext._gateway.proc)  # type: ignore[union-attr]
    return spark


def end_session(spark: SparkSession) -> None:
    """Stop Spark. Never raises.

    If its JVM writes an archive of its classes, wait for the JVM's end and keep the archive.
    """
    with suppress(Exception):  # the work is done, so an error here matters to nobody
        gateway, archive = spark.sparkContext._gateway, _class_archive() if _makes_archive(spark) else None
        spark.stop()
        if archive is not None and gateway is not None:
            gateway.shutdown()
            gateway.proc.stdin.close()
            if gateway.proc.wait(60) == 0:
                archive.keep()


def _makes_archive(spark: SparkSession) -> bool:
    return MAKING_FLAG in (spark.sparkContext.getConf().get(_JAVA_OPTIONS) or "")


def _follow_environment(conf: SparkConf) -> SparkConf:
    """The conf, with S3A and the executors' boto3 sent to the S3 server of this process's environment.

    What the conf already says stays. Credentials are left out, since everybody who may see Spark's UI is shown a
    session's settings. Each machine finds its own by the AWS chain.
    """
    places = {f"spark.executorEnv.{name}": os.environ[name] for name in AWS_PLACES if os.environ.get(name)}
    storage.refuse_credentials_in(places)
    has_own_s3 = conf.contains("spark.hadoop.fs.s3a.endpoint")
    settings = places if has_own_s3 else s3a_settings() | places
    for key, value in settings.items():
        is_default = (key, conf.get(key, None)) == (_PROVIDER, AWS_CHAIN)  # as spark-defaults.conf has it
        conf.set(key, value) if is_default else conf.setIfMissing(key, value)
    return conf


def _ship_wheels(spark: SparkSession) -> None:
    """Let workers import from the wheels of --py-files.

    Spark sends them every such file, but lets Python look only into those named .zip, .egg or .jar. So a wheel is sent
    once more, as .zip. A file that Spark has not sent was put on the workers' path by the cluster manager (YARN).
    """
    for path in (spark.sparkContext.getConf().get("spark.submit.pyFiles", "") or "").split(","):
        sent = Path(SparkFiles.get(Path(path).name))
        if sent.suffix == ".whl" and sent.is_file():
            archive = Path(SparkFiles.getRootDirectory(), "wheels", f"{sent.stem}.zip")  # Spark deletes it when it ends
            archive.parent.mkdir(exist_ok=True)
            shutil.copyfile(sent, archive)
            spark.sparkContext.addPyFile(str(archive))


def _local_conf(master: str, makes_archive: bool = False) -> SparkConf:
    if not master.startswith("local"):
        raise InputError(f"master {master!r} is a cluster: run `spark-submit --master {master} jobs/nightly.py ...`")
    own_spark_environment(os.environ)
    jars = _class_path()
    os.environ["JAVA_HOME"] = str(find_java().home)
    defaults = read_defaults(PROJECT / "spark-defaults.conf")
    settings = {key: value for key, value in defaults.items() if not key.startswith(CLUSTER_ONLY)}
    settings |= {
        "spark.master": master,
        "spark.driver.extraClassPath": jars,
        "spark.executor.extraClassPath": jars,
        "spark.driver.memory": f"{driver_memory_mb()}m",
        _JAVA_OPTIONS: " ".join(_java_options(makes_archive)),
        # Workers import the project wherever they are started.
        "spark.executorEnv.PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        "spark.python.daemon.module": "jobs.process.worker_daemon",
        **blas_settings(CPU_INFO),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": str(max(4, 2 * (os.cpu_count() or 2))),
        **s3a_settings(),
    }
    return SparkConf(loadDefaults=False).setAll(list(settings.items()))


def _class_path() -> str:
    """Spark's logging interface, then the fetched jars: AWS's bundle holds an older one, which would silence Spark."""
    logging = [jar for jar in _spark_jars() if jar.name.startswith("slf4j-api-")]
    return os.pathsep.join([*map(str, logging), spark_classpath()])


def _spark_jars() -> list[Path]:
    import pyspark

    return sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))


def _java_options(makes_archive: bool) -> list[str]:
    options = [f"-Dlog4j2.configurationFile={(PROJECT / 'log4j2.properties').as_uri()}"]
    archive = _class_archive()
    if archive is not None:
        options.append(archive.options or (archive.making_options if makes_archive else ""))
    return options


def _class_archive() -> ClassArchive | None:
    return class_archive(find_java(), [*_spark_jars(), *sorted(Path(spark_classpath()).parent.glob("*.jar"))])


def s3a_settings() -> dict[str, str]:
    """Settings of the S3A file system: endpoint and region from what boto3 reads too, credentials by the AWS chain."""
    settings = {_PROVIDER: ANONYMOUS if storage.is_anonymous() else AWS_CHAIN}
    if storage.pays_requests():
        settings["spark.hadoop.fs.s3a.requester.pays.enabled"] = "true"
    endpoint = storage.endpoint_url()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        settings |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(not endpoint.startswith("http://")).lower(),
        }
    if endpoint or region:
        settings["spark.hadoop.fs.s3a.endpoint.region"] = region or "us-east-1"
    return settings


def blas_settings(cpu_info: Path) -> dict[str, str]:
    """The setting that tells numpy in the workers their processor. Empty where the environment does so already.

    OpenBLAS goes by the processor's model. It takes a model newer than itself for one of 2004, whose products take up
    to five times as long. The answer is also empty where the system does not tell what the processor can.
    """
    if "OPENBLAS_CORETYPE" in os.environ or not cpu_info.is_file():
        return {}
    can = {word for line in cpu_info.read_text().splitlines() if line.startswith("flags") for word in line.split()}
    kinds = [kind for kind, needed in BLAS_KINDS.items() if needed <= can]
    return {"spark.executorEnv.OPENBLAS_CORETYPE": kinds[0]} if kinds else {}


def read_defaults(path: Path) -> dict[str, str]:
    """The settings of a spark-defaults.conf. Empty where there is no such file."""
    if not path.is_file():
        return {}
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}
