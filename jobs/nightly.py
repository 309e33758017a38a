"""The nightly job: catalog -> frames -> embeddings -> neighbors, copies -> votes -> search documents -> Elasticsearch.

On one machine: `autotag nightly`; on a cluster: `spark-submit jobs/nightly.py` with the same options.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

if not __package__:  # spark-submit runs this file by its path, with jobs/ and not the project on the path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from autotag_core import experts, storage, warehouse
from autotag_core.config import Config
from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.tables import FAILURES
from jobs.build_search_documents import build_search_documents
from jobs.embed_gifs import embed_gifs
from jobs.embed_tags import embed_tags
from jobs.embed_texts import embed_texts
from jobs.find_neighbors import find_neighbors
from jobs.group_duplicates import copied_tags, group_duplicates, voting_neighbors
from jobs.index_documents import Index, index_documents, move_alias, open_index
from jobs.interrupts import was_interrupted, watch_interrupts
from jobs.logs import configure_logs
from jobs.progress import Progress
from jobs.read_catalog import read_catalog
from jobs.run import Run
from jobs.score_tags import score_tags
from jobs.session import spark_session
from jobs.train_temporal import train_temporal
from jobs.vote_tags import vote_tags
from jobs.weigh_experts import weigh_experts
from udfs import catalog_files, duplicates


@dataclass(frozen=True)
class Request:
    """What one run is asked to do."""

    catalog: str
    warehouse: str
    config: Config = field(default_factory=Config)
    elasticsearch: str | None = None
    index: str = "gifs"


def run_nightly(request: Request) -> Run:
    """Retag the whole catalog and publish the result, or leave the last release in place and raise."""
    request = _absolute(request)
    index = _check_before_work(request)
    run = _start(request)
    with _recorded(run):
        read_catalog(run, request.catalog)
        reads_texts = bool(experts.chosen_experts(run.config, "texts"))
        relates_frames = bool(experts.chosen_experts(run.config, "frame_features"))
        if reads_texts or relates_frames or experts.chosen_experts(run.config, "frames"):
            embed_gifs(run)
            _check_failed_share(run)
        if relates_frames:
            train_temporal(run)
        if reads_texts:
            embed_texts(run)
        if experts.chosen_experts(run.config, "tags"):
            embed_tags(run)
        find_neighbors(run)
        if run.config.duplicates.enabled and duplicates.EXPERT in run.config.experts:
            group_duplicates(run)
        neighbors_df = voting_neighbors(run)
        weigh_experts(run, neighbors_df)
        scores_df = score_tags(run, neighbors_df, copied_tags(run))
        vote_tags(run, neighbors_df, scores_df)
        build_search_documents(run)
        if index is not None:
            index_documents(run, index)
        run.failures = _count_failures(run)
        warehouse.append_run(run.warehouse, run.record(warehouse.PUBLISHED))
    if index is not None:
        move_alias(run, index)
    run.log.info("run published")
    return run


def _check_before_work(request: Request) -> Index | None:
    """Everything that would only fail hours later: InputError in one line, and nothing is written."""
    settings = request.config
    catalog_files.file_kind(request.catalog)
    for uri in (
        request.catalog,
        settings.catalog.test_list,
        settings.catalog.validation_list,
        settings.semantic.sessions,
    ):
        if uri:
            storage.check_exists(uri)
    experts.check_experts(settings)
    index = open_index(request.elasticsearch, request.index, settings.elasticsearch) if request.elasticsearch else None
    warehouse.check_writable(request.warehouse)
    return index


def _start(request: Request) -> Run:
    log = configure_logs()
    spark = spark_session("autotag nightly")
    watch_interrupts()
    run = Run(spark, request.config, request.warehouse, log, Progress(spark.sparkContext))
    run.log.info("run started", catalog=request.catalog, warehouse=request.warehouse, spark=spark.version)
    return run


@contextmanager
def _recorded(run: Run) -> Iterator[None]:
    """Write a row to `runs` however the run ends, and drop what it staged; the error goes on to the caller.

    Wrong input that shows before the first table is written leaves no row either: nothing is written for it.
    """
    try:
        yield
    except BaseException as caught:
        error = KeyboardInterrupt("interrupted") if was_interrupted() else caught
        status = warehouse.NOT_PUBLISHED if isinstance(error, NotPublishedError) else warehouse.FAILED
        message = str(error) if isinstance(error, AutotagError) else f"{type(error).__name__}: {error}"[:2000]
        run.log.error("run ended", status=status, message=message.splitlines()[0] if message else "")
        if run.table_versions or not isinstance(error, InputError):
            with suppress(Exception):  # the first error is the one to explain
                warehouse.append_run(run.warehouse, run.record(status, message))
        if error is not caught:
            raise error from None
        raise
    finally:
        with suppress(Exception):
            run.clean_up()


def _check_failed_share(run: Run) -> None:
    num_gifs, num_read = run.rows_out["catalog"], run.rows_out["frames"]
    share = (num_gifs - num_read) / num_gifs
    limit = run.config.gates.max_failed_share
    run.gates["failed_share"] = f"{share:.4f} of at most {limit}"
    if share > limit:
        raise NotPublishedError(
            f"{num_gifs - num_read} of {num_gifs} GIFs could not be read, more than gates.max_failed_share={limit}: "
            f"see the table failures in {run.warehouse}"
        )


def _absolute(request: Request) -> Request:
    """Local paths as executors in another folder find them."""

    def absolute(uri: str) -> str:
        return uri if "://" in uri or uri.startswith("file:") else str(Path(uri).absolute())

    return replace(request, catalog=absolute(request.catalog), warehouse=absolute(request.warehouse))


def _count_failures(run: Run) -> dict[str, int]:
    counts = run.read(FAILURES).groupBy("stage", "reason").count().collect()
    return {f"{row['stage']}:{row['reason']}": row["count"] for row in counts}


if __name__ == "__main__":
    from jobs.cli import main

    main(["nightly", *sys.argv[1:]])
