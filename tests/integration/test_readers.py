"""The tables as analysts open them: DuckDB, pandas, delta-rs and Spark see the released rows, and no other version."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import structlog
from duckdb_extensions import import_extension
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.local_machine import S3Server
from autotag_core.tables import VOTED_TAGS
from autotag_core.warehouse.delta import open_table
from jobs.process.progress import Progress
from jobs.run.delta_tables import read_table_version
from jobs.run.run import Run

pytestmark = pytest.mark.integration
COLUMNS = (
    "gif_id string, tag string, confidence float, source string, published_score float, score float, "
    "probability float, accepted boolean, votes map<string,int>, evidence array<string>, "
    "reasons map<string,float>"
)
PUBLISHED = [
    ("a", "cat", 1.0, "confirmed", 0.5, 0.5, 0.9, True, {"imagenet": 3}, ["b", "c"], {}),
    ("a", "dog", 0.7, "unconfirmed", 0.0, 0.0, None, None, {}, [], {}),
]
LATER = [("z", "zebra", 1.0, "original", 0.0, 0.0, None, None, {}, [], {})]


def publish_then_write_more(spark: SparkSession, uri: str) -> int:
    """A published release, then a run that wrote its table and was never published; returns the released version."""
    for rows, is_published in ((PUBLISHED, True), (LATER, False)):
        run = Run(spark, Config(), uri, structlog.get_logger(), Progress(spark.sparkContext, is_terminal=False))
        run.started = datetime.now(UTC)
        run.tables.write(VOTED_TAGS, spark.createDataFrame(rows, COLUMNS))
        if is_published:
            warehouse.append_run(uri, run.to_record(warehouse.PUBLISHED))
    return warehouse.current_release(uri).table_versions["voted_tags"]


@pytest.mark.parametrize("place", ["local", "s3"])
def test_every_reader_sees_the_released_rows(
    place: str, spark: SparkSession, tmp_path: Path, bucket: str, s3: S3Server
) -> None:
    uri = str(tmp_path / "warehouse") if place == "local" else f"{bucket}/warehouse"
    version = publish_then_write_more(spark, uri)
    release = warehouse.current_release(uri)
    frame = warehouse.read_table(uri, "voted_tags", release).to_pandas().sort_values("tag")
    assert frame["tag"].tolist() == ["cat", "dog"] and dict(frame["votes"].iloc[0]) == {"imagenet": 3}
    spark_df = read_table_version(spark, f"{uri}/voted_tags", version, VOTED_TAGS)
    assert sorted(row["tag"] for row in spark_df.collect()) == ["cat", "dog"]
    frame = open_table(f"{uri}/voted_tags", version).to_pandas()
    assert sorted(frame["tag"]) == ["cat", "dog"]
    import_extension("delta")
    connection = duckdb.connect()
    if place == "s3":
        import_extension("httpfs")
        connection.sql(
            f"create secret (type s3, key_id '{s3.access_key}', secret '{s3.secret_key}', region 'us-east-1', "
            f"endpoint '{s3.endpoint.removeprefix('http://')}', url_style 'path', use_ssl false)"
        )
    table = f"{uri}/voted_tags".replace("s3a://", "s3://")
    query = f"select tag, votes, evidence from delta_scan('{table}', version => {version}) order by tag"
    assert connection.sql(query).fetchall() == [("cat", {"imagenet": 3}, ["b", "c"]), ("dog", {}, [])]
