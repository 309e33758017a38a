"""The nightly job: catalog -> frames -> embeddings -> neighbors, copies -> votes -> search documents -> Elasticsearch.

On one machine: `autotag nightly`; on a cluster: `spark-submit jobs/nightly.py` with the same options.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

if not __package__:  # spark-submit runs this file by its path: jobs/ is on sys.path, the project is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pyspark.sql import SparkSession

from autotag_core import experts, outages, storage
from autotag_core.experts import TagSpace
from autotag_core.failures import Stage as FailureStage
from autotag_core.tables import MEDIA
from autotag_core.tagger.tagger_model import TaggerModel
from autotag_core.warehouse.lease import Lease
from jobs.catalog.read_catalog import read_catalog
from jobs.duplicates.group_duplicates import group_duplicates
from jobs.embeddings.base_embeddings import adopt_embeddings
from jobs.embeddings.embed_frames import embed_gifs, gifs_watched
from jobs.embeddings.embed_motion import settle_head, train_temporal
from jobs.embeddings.embed_tags import check_sessions, embed_tags
from jobs.embeddings.embed_texts import embed_texts
from jobs.faces.name_people import Detector, looked_again, name_people
from jobs.neighbors.find_neighbors import find_neighbors
from jobs.process.interrupts import watch_interrupts
from jobs.process.logs import bind_run, configure_logs, silence_spark
from jobs.process.progress import Progress
from jobs.process.session import spark_session
from jobs.related.relate_tags import relate_gifs, relate_searches, relate_tags
from jobs.release.check_request import Checked, Request, check_inputs, check_models, check_workers, settled
from jobs.release.choose_base import choose_base, is_unchanged, sees_frames
from jobs.release.gates import check_catalog_gates, pass_gate
from jobs.release.publish_run import publish_nothing, publish_run, recorded, tidy_up
from jobs.release.quality_gates import check_quality_gates
from jobs.release.report_metrics import Night, metrics_reported
from jobs.release.settle_publication import writing
from jobs.reports.write_report import report_night
from jobs.run.run import Run
from jobs.run.stages import Stage
from jobs.search.build_documents import build_search_documents
from jobs.search.index_alias import Index, watched
from jobs.search.index_documents import index_documents
from jobs.tagger.ask_tagger import ask_tagger, asked_again
from jobs.training.write_examples import write_examples
from jobs.trends.take_trends import take_trends
from jobs.votes.fit_judge import learn_to_score
from jobs.votes.tabulate_tags import tabulate_tags
from jobs.votes.vote_tags import vote_tags
from jobs.votes.weigh_experts import weigh_experts
from udfs.duplicates import groups as duplicates

STAGES: tuple[Stage[..., Any], ...] = (
    read_catalog,
    embed_gifs,
    train_temporal,
    ask_tagger,
    name_people,
    embed_texts,
    embed_tags,
    find_neighbors,
    relate_tags,
    relate_gifs,
    relate_searches,
    group_duplicates,
    tabulate_tags,
    weigh_experts,
    learn_to_score,
    vote_tags,
    build_search_documents,
    write_examples,
    index_documents,
)
"""In the order in which a night calls them. Settings leave some out."""
SMALL_BYTES = 2 * 2**20
"""Up to this size of the catalog and its sessions a night is small: some ten thousand GIFs. Apart from its models, such
a night is more planning than computing."""


def run_nightly(request: Request) -> Run:
    """Retag what changed in the catalog since the last release, publish the result, and give the run.

    Nothing is published where nothing changed. Where it can't be done it raises, and the last release stays in place.
    """
    with metrics_reported(request.metrics, request.warehouse) as night:
        with outages.watched(lambda: storage.ask((request.catalog, request.warehouse))):
            checked, spark = _checked_beside_spark(*check_inputs(request))
        with writing(checked.request.warehouse) as held:
            return _run(checked, spark, held, night)


def _checked_beside_spark(request: Request, index: Index | None) -> tuple[Checked, SparkSession]:
    """The request with its models checked, and the session: Spark's JVM starts while this process loads networks."""
    settings = request.config.semantic
    uris = filter(None, (request.catalog, settings.sessions, settings.search_sessions))
    is_small = sum(map(storage.num_bytes, uris)) <= SMALL_BYTES
    with ThreadPoolExecutor(1, thread_name_prefix="models") as pool:
        checked = pool.submit(check_models, request, index)
        spark = spark_session("autotag nightly", is_short=is_small, makes_archive=True)
        return checked.result(), spark


def _run(checked: Checked, spark: SparkSession, held: Lease, night: Night) -> Run:
    run, index = _start(checked, spark, held), checked.index
    night.run = run
    with recorded(run):
        check_workers(run.spark, run.config)
        choose_base(run)
        take_trends(run)
        read_catalog(run, checked.request.catalog)
        check_catalog_gates(run)
        check_sessions(run)
        space = _embed(run, checked.tagger, checked.detector)
        find_neighbors(run)
        run.staging.drop_others(run.log)
        if is_unchanged(run, index):
            publish_nothing(run)
            return run
        run.failures.release()
        if run.config.related.enabled and space is not None:
            relate_tags(run, space)
            relate_gifs(run, space)
            if run.config.semantic.search_sessions:
                relate_searches(run, run.config.semantic.search_sessions)
        if run.config.duplicates.enabled and duplicates.EXPERT in run.config.experts:
            group_duplicates(run)
        ballots = tabulate_tags(run)
        weigh_experts(run, ballots)
        vote_tags(run, ballots, learn_to_score(run, ballots))
        check_quality_gates(run)
        build_search_documents(run)
        if run.config.training.enabled and run.tables.has(MEDIA):
            write_examples(run)
        with watched(index):
            if index is not None:
                index_documents(run, index)
            publish_run(run, index)
    report_night(run)  # before the release that it compares with may be deleted
    tidy_up(run, index)
    return run


def _embed(run: Run, tagger: TaggerModel | None, detector: Detector | None) -> TagSpace | None:
    """Embed every GIF by each chosen expert, ask the tagger of it, and name the people in it.

    Gives the space of the expert over tags; None where it is not chosen.
    """
    if run.base is not None:
        adopt_embeddings(run)
    relates_frames = bool(experts.chosen_experts(run.config, "frame_features"))
    if relates_frames:
        settle_head(run)
    if sees_frames(run.config):
        with gifs_watched(run):
            again, faces_of = looked_again(run, detector)
            seen = embed_gifs(run, again | asked_again(run, tagger), faces_of)
        _check_failed_share(run, seen.num_failed)
        if relates_frames:
            train_temporal(run, seen)
        if tagger is not None:
            ask_tagger(run, tagger, seen)
        if detector is not None:
            name_people(run, detector, seen)
    if experts.chosen_experts(run.config, "texts"):
        embed_texts(run)
    return embed_tags(run) if experts.chosen_experts(run.config, "tags") else None


def _start(checked: Checked, spark: SparkSession, held: Lease) -> Run:
    log = configure_logs()
    # jobs that an interrupt cuts off log long errors, which explain nothing
    watch_interrupts(lambda: silence_spark(spark))
    checked = settled(checked, spark)
    request = checked.request
    progress = Progress(spark.sparkContext)
    run = Run(spark, request.config, request.warehouse, log, progress, held.holder.run_id)
    run.accepted, run.lease = request.accepted, held
    bind_run(run.run_id)
    run.facts.inputs.versions |= checked.model_versions
    if checked.tagger_note:
        run.note(tagger=checked.tagger_note)
        if checked.tagger is None:
            run.log.warning("no tagger is asked", reason=checked.tagger_note)
    run.log.info("run started", catalog=request.catalog, warehouse=request.warehouse, spark=spark.version)
    return run


def _check_failed_share(run: Run, num_failed: int) -> None:
    """NotPublishedError where more than gates.max_failed_share of the GIFs could not be read or embedded."""
    said = run.failures.summary(FailureStage.FRAMES, FailureStage.EMBEDDINGS)
    what = f"GIFs could not be read or embedded ({said})"
    pass_gate(run, "failed_share", num_failed, run.facts.rows_out["catalog"], what)


if __name__ == "__main__":
    from jobs.commands.app import main

    main(["nightly", *sys.argv[1:]])
