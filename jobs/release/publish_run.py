"""The end of a run: it is published as a whole, in tables and search, or only its outcome is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from autotag_core import search, warehouse
from autotag_core.errors import InputError, NotPublishedError, as_raised, cause
from autotag_core.warehouse import retention
from jobs.process.interrupts import interruption
from jobs.release.move_search import search_moved
from jobs.run.run import Run
from jobs.search.index_alias import Index


def publish_run(run: Run, index: Index | None) -> None:
    """Publish the run: move the alias, then append the release to `runs`. If either fails, both stay or are put back.

    The alias goes first since it can be moved back, and a row of `runs` can't. So what a release's row says of its
    index is true.
    """
    _check_lease(run)
    with _moved(run, index):
        _check_lease(run)  # who took it over has found what this run is about to do, and has moved the alias back
        try:
            warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED), after=run.seen_before)
        except BaseException:
            if not _is_published(run):
                raise
    run.facts.status = warehouse.PUBLISHED
    if run.lease is not None:
        run.lease.settle()
    run.log.info("run published")


def _check_lease(run: Run) -> None:
    if run.lease is not None:
        run.lease.check()


def _moved(run: Run, index: Index | None) -> AbstractContextManager[None]:
    name = run.facts.elasticsearch_index
    if index is None or name is None:
        return nullcontext()
    run.log.info("alias moves", alias=index.alias, index=name)
    return search_moved(index, run.run_id, name, holds=run.run_id)


def publish_nothing(run: Run) -> None:
    """Record that this run would publish what the base already is."""
    assert run.base is not None
    message = f"nothing has changed since run {run.base.run_id}"
    warehouse.append_run(run.warehouse, run.to_record(warehouse.UNCHANGED, message))
    run.facts.status = warehouse.UNCHANGED
    run.log.info("run ended", status=run.facts.status, message=message)


def tidy_up(run: Run, index: Index | None) -> None:
    """Delete indexes, table versions, logs, shards and reports of releases that are not kept.

    What fails is only a warning.
    """
    if index is not None:
        _prune_indexes(run, index)
    keep = run.config.warehouse.keep_releases
    try:
        shards = retention.drop_old_shards(run.warehouse, keep)
        deleted = retention.drop_old_versions(run.warehouse, keep)
        retention.shorten_logs(run.warehouse, keep)
        retention.drop_old_reports(run.warehouse, keep)
    except Exception as error:  # the run is published: wasted disk space is no reason for another exit code
        run.log.warning("old table versions not deleted", reason=cause(error))
    else:
        run.log.info("old table versions deleted", shards=",".join(shards) or None, **deleted)


def _prune_indexes(run: Run, index: Index) -> None:
    try:
        pruned = search.prune_indexes(index.client, index.owner, index.config)
    except Exception as error:  # the run is published: wasted disk space is no reason for another exit code
        run.log.warning("old indexes not deleted", alias=index.alias, reason=cause(error))
    else:
        run.log.info("old indexes deleted", alias=index.alias, indexes=",".join(pruned) or None)


@contextmanager
def recorded(run: Run) -> Iterator[None]:
    """If the block fails, write a row to `runs` and raise the error. A published run has written its row itself.

    What was staged is dropped. After a failure it stays if staging.is_kept, for the next run to take up. An error that
    an executor raised goes on as what it was there. Wrong input that shows before the first table is written leaves no
    row, since nothing is written for it.
    """
    try:
        yield
    except BaseException as caught:
        error = interruption() or as_raised(caught)
        status = warehouse.NOT_PUBLISHED if isinstance(error, NotPublishedError) else warehouse.FAILED
        message = cause(error)
        run.log.error("run ended", status=status, message=message)
        if run.tables.versions or not isinstance(error, InputError):
            with suppress(Exception):  # the first error is the one to explain
                warehouse.append_run(run.warehouse, run.to_record(status, message))
        if not run.staging.is_kept:
            _clean_up(run)
        if error is not caught:
            raise error from None
        raise
    _clean_up(run)


def _clean_up(run: Run) -> None:
    with suppress(Exception):
        run.staging.clean_up()


def _is_published(run: Run) -> bool:
    """Whether the row has landed. Its answer may be lost, or an interrupt may have come in between."""
    with suppress(Exception):
        return warehouse.current_release(run.warehouse, run.run_id).run_id == run.run_id
    return False
