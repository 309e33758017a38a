"""The end of a run: it is published as a whole, in tables and search, or only its outcome is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from autotag_core import warehouse
from autotag_core.errors import InputError, NotPublishedError, as_raised, cause
from autotag_core.warehouse import retention
from jobs.process.interrupts import interruption
from jobs.run.run import Run
from jobs.search.index_alias import Index, alias_restored, move_alias, settle_index


def publish_run(run: Run, index: Index | None) -> None:
    """Publish the run: move the alias, then append the release to `runs`. If either fails, both stay or are put back.

    The alias goes first since it can be moved back, and a row of `runs` can't. So what a release's row says of its
    index is true.
    """
    if run.lease is not None:
        run.lease.check()
    with alias_restored(index, run.warehouse) if index is not None else nullcontext():
        if index is not None:
            move_alias(run, index)
        try:
            warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED), after=run.seen_before)
        except BaseException:
            if not _is_published(run):
                raise
    run.facts.status = warehouse.PUBLISHED
    if run.lease is not None:
        run.lease.settle()
    run.log.info("run published")


def publish_nothing(run: Run) -> None:
    """Record that this run would publish what the base already is."""
    assert run.base is not None
    message = f"nothing has changed since run {run.base.run_id}"
    warehouse.append_run(run.warehouse, run.to_record(warehouse.UNCHANGED, message))
    run.facts.status = warehouse.UNCHANGED
    run.log.info("run ended", status=run.facts.status, message=message)


def tidy_up(run: Run, index: Index | None) -> None:
    """Delete indexes, table versions, logs and shards that no kept release names. What fails is only a warning."""
    if index is not None:
        settle_index(run, index)
    keep = run.config.warehouse.keep_releases
    try:
        shards = retention.drop_old_shards(run.warehouse, keep)
        deleted = retention.drop_old_versions(run.warehouse, keep)
        retention.shorten_logs(run.warehouse, keep)
    except Exception as error:  # the run is published: wasted disk space is no reason for another exit code
        run.log.warning("old table versions not deleted", reason=cause(error))
    else:
        run.log.info("old table versions deleted", shards=",".join(shards) or None, **deleted)


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
