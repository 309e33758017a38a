"""Settings of a run: gates, the warehouse, Spark."""

from __future__ import annotations

from autotag_core.config.section import PositiveCount, Section, Share


class GatesConfig(Section):
    """What a run must reach to be published."""

    max_failed_share: Share = 0.2
    """More GIFs without frames than this share of the catalog: a storage outage, not a night's work."""


class WarehouseConfig(Section):
    """What the warehouse keeps."""

    keep_releases: PositiveCount | None = 30
    """Newest releases whose tables stay, to go back to; older ones lose the files that no kept one needs. A night adds
    about the size of its tables. What a rollback names is always kept. None: everything is."""


class SparkConfig(Section):
    """What the job asks of Spark beyond spark-defaults.conf."""

    gifs_per_partition: PositiveCount = 200
    """GIFs that one task fetches, decodes and embeds: minutes of one core, so little is lost with a task."""
    partitions: PositiveCount | None = None
    """Tasks of the embedding stage; None: rows over gifs_per_partition, in a small catalog up to eight a core."""
