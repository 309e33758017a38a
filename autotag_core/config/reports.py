"""Settings of the reports."""

from __future__ import annotations

from autotag_core.config.section import Section


class ReportsConfig(Section):
    """What a night writes for people to read."""

    enabled: bool = True
    """Whether a night that publishes ends with a page about it, `reports/RUN_ID.html` of the warehouse. It is kept as
    long as the release. It shows GIFs and tags to whoever may read the warehouse's files."""
