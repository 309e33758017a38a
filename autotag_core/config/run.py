"""Settings of a run: gates, the warehouse, Spark."""

from __future__ import annotations

from autotag_core.config.section import PositiveCount, Section, Share


class GatesConfig(Section):
    """What a run must reach to be published. `--accept GATE` publishes one night that does not."""

    max_unusable_share: Share = 0.1
    """Gate `unusable_rows`: more rows of the catalog than this share can't be used. The file is broken, or of another
    form."""
    max_vanished_share: Share = 0.1
    """Gates `vanished_gifs` and `vanished_tags`: more than this share of the GIFs of the last release are gone, or of
    their uploaders' tags. The catalog is not whole, or a column is lost or has another name."""
    max_failed_share: Share = 0.2
    """Gate `failed_share`: more GIFs than this share can't be read or embedded. That is a storage outage, not a night's
    work."""


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
