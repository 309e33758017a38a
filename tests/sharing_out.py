"""How tests are shared out between processes: which stay together, and which begin first.

A process takes the next group when it is nearly done with its last one. A long group that begins last leaves the other
process without work, so the longest come first. pytest-xdist's own order, most tests first, would begin whole nights
late: they are few tests each. `make test` turns that order off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from xdist.scheduler import LoadScopeScheduling

NIGHT = "the one night"
TOGETHER = {
    # They look at the session's night: otherwise both processes would do it.
    "tests.integration.test_metrics": NIGHT,
    "tests.integration.test_nightly": NIGHT,
    "tests.integration.test_petastorm": NIGHT,
    "tests.integration.test_releases": NIGHT,
    "tests.integration.test_training": NIGHT,
    # Each starts executors of 1 GB beside a session of its own. Two at once leave the machine too little memory.
    "tests.integration.test_cluster": "clusters",
    "tests.integration.test_session": "clusters",
    # Both start Elasticsearch 9 beside 8. One server is enough.
    "tests.integration.test_search_index": "Elasticsearch 9",
    "tests.core.search.test_preview": "Elasticsearch 9",
}
"""Modules that are one group, by the group's name. Any other module is a group of its own."""
LONGEST = (
    "clusters",
    NIGHT,
    "tests.integration.test_killed_publications",
    "tests.udfs.embeddings.test_frames",
    "tests.jobs.release.test_publish_run",
    "tests.integration.test_outages",
    "tests.integration.test_people_nights",
    "tests.integration.test_changed_nights",
    "tests.udfs.catalog.test_check",
    "Elasticsearch 9",
    "tests.notebooks.test_notebooks",
    "tests.udfs.neighbors.test_search",
    "tests.benchmarks.chaos.test_catalog_mutants",
    "tests.jobs.neighbors.test_shard_store",
    "tests.udfs.embeddings.test_tags",
    "tests.integration.test_run_sample",
    "tests.jobs.evaluation.test_compare_votes",
)
"""The groups of more than a minute or so, longest first, as `--junitxml` has them. Only the order matters."""
WHOLE_NIGHTS = "tests.integration."
"""Modules below this begin after LONGEST and before the rest, which are seconds each."""


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process whole groups. pytest-xdist's own are lost: it writes them where pytest 9.2 does not look."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test. Tests of one group run in one process, in the order of their files."""
    module = nodeid.partition("::")[0].removesuffix(".py").replace("/", ".")
    return TOGETHER.get(module, module)


def longest_first(groups: Sequence[str]) -> list[int]:
    """The places of the groups' tests, in the order in which they should begin.

    After LONGEST and WHOLE_NIGHTS those of many tests come first, and equals in the order of their files.
    """
    places = {group: place for place, group in enumerate(LONGEST)}
    sizes, first = Counter(groups), {group: place for place, group in reversed(list(enumerate(groups)))}

    def rank(place: int) -> tuple[int, int, int]:
        group = groups[place]
        known = places.get(group, len(places) + (not group.startswith(WHOLE_NIGHTS)))
        return known, -sizes[group], first[group]

    return sorted(range(len(groups)), key=rank)
