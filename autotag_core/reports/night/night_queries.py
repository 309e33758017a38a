"""The SQL that gives each number of the report, for DuckDB over the tables' files, to paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotag_core.reports.night.covered_searches import ENOUGH
from autotag_core.reports.night.failed_items import MAX_EXAMPLES
from autotag_core.reports.night.largest_groups import NUM_LARGEST
from autotag_core.reports.night.run_courses import MAX_RUNS
from autotag_core.reports.night.tag_counts import HAS_TAG, LIKELY, OWN
from autotag_core.reports.night.viewed_tags import MAX_OF_A_GIF
from autotag_core.tables import (
    CATALOG,
    DUPLICATES,
    EXPERT_WEIGHTS,
    FAILURES,
    RELATED_SEARCHES,
    RUNS,
    TRENDS,
    VOTED_TAGS,
    Table,
)
from autotag_core.warehouse import RunRecord, table_uri
from autotag_core.warehouse.delta import delta_uri

PREPARE = """import duckdb
from duckdb_extensions import import_extension
import_extension("delta")
# for s3:// also: import_extension("httpfs"), and duckdb.sql("create secret (type s3, provider credential_chain)")
duckdb.sql(\"\"\" ... \"\"\").show(max_rows=100)"""
"""Python that the SQL is run with."""


@dataclass(frozen=True)
class Tables:
    """The tables of a release, as SQL names them."""

    warehouse: str
    release: RunRecord

    def has(self, table: Table) -> bool:
        """Whether the release has the table."""
        return table.name in self.release.table_versions

    def scan(self, table: Table) -> str:
        """The table at the release's version; `runs` at its newest."""
        uri = _quoted(delta_uri(table_uri(self.warehouse, table.name)))
        if table is RUNS:
            return f"delta_scan({uri})"
        return f"delta_scan({uri}, version => {self.release.table_versions[table.name]})"


def gifs_sql(now: Tables, before: Tables | None) -> str:
    """Counts num, added and gone of GIFs; of this release alone where there is none before it."""
    if before is None:
        return f"select count(*) as num from {now.scan(CATALOG)}"
    return (
        f"with now as (select gif_id from {now.scan(CATALOG)}),\n"
        f"  before as (select gif_id from {before.scan(CATALOG)})\n"
        "select (select count(*) from now) as num,\n"
        "  (select count(*) from now anti join before using (gif_id)) as added,\n"
        "  (select count(*) from before anti join now using (gif_id)) as gone"
    )


def sources_sql(tables: Tables) -> str:
    """Tags of GIFs by source: source, num."""
    return f"select source, count(*) as num from {tables.scan(VOTED_TAGS)} group by source order by num desc"


def movers_sql(now: Tables, before: Tables | None, limit: int) -> str:
    """Tags by change of their GIFs: tag, before, after. Without a release before: as uploaders wrote them."""
    own = f"select tag from {now.scan(VOTED_TAGS)} where source in {_listed(OWN)}"
    return (
        f"with earlier as (select tag, count(*) as num from ({_had(before) if before else own}) group by tag),\n"
        f"  later as (select tag, count(*) as num from ({_had(now)}) group by tag)\n"
        "select tag, coalesce(earlier.num, 0) as before, coalesce(later.num, 0) as after\n"
        "from earlier full join later using (tag) where before <> after\n"
        f"order by abs(after - before) desc, tag limit {limit}"
    )


def _had(tables: Tables) -> str:
    """A row for each tag that a GIF has."""
    return f"select tag from {tables.scan(VOTED_TAGS)} where {HAS_TAG}"


def suspicious_sql(now: Tables, limit: int) -> str:
    """Own tags that evidence speaks against, most viewed first: gif_id, tag, popularity, probability."""
    wanted = f"source = 'unconfirmed' and coalesce(probability < {LIKELY}, published_score = 0)"
    return _viewed_sql(now, wanted, "probability", limit)


def added_sql(now: Tables, limit: int) -> str:
    """Likely tags that the vote added, most viewed first: gif_id, tag, popularity, probability."""
    wanted = f"source = 'voted' and coalesce(probability >= {LIKELY}, true)"
    return _viewed_sql(now, wanted, "probability desc nulls last", limit)


def _viewed_sql(now: Tables, wanted: str, order: str, limit: int) -> str:
    return (
        f"select gif_id, tag, popularity, probability\nfrom {now.scan(VOTED_TAGS)} as voted\n"
        f"  join {now.scan(CATALOG)} as catalog using (gif_id)\nwhere {wanted}\n"
        f"qualify row_number() over (partition by gif_id order by {order}, tag) <= {MAX_OF_A_GIF}\n"
        f"order by popularity desc, gif_id, {order}, tag limit {limit}"
    )


def coverage_sql(now: Tables, before: Tables | None) -> str:
    """Searches that find a GIF and ENOUGH: a row for tags as uploaded, at the release before and at this one."""
    asked = f"select query from {now.scan(RELATED_SEARCHES)}"
    tags = [("uploaded", f"select unnest(tags) as tag from {now.scan(CATALOG)}")]
    tags += [("before", _had(before))] if before is not None else []
    tags += [("after", _had(now))]
    parts = [
        f"select '{name}' as tags, count(*) as searches, count_if(num >= 1) as found, "
        f"count_if(num >= {ENOUGH}) as enough\n"
        f"from (select query, count(word) as num from ({asked}) left join "
        f"(select trim(regexp_replace(lower(tag), '\\s+', ' ', 'g')) as word from ({rows})) on word = query "
        "group by query)"
        for name, rows in tags
    ]
    return "\nunion all ".join(parts)


def failures_sql(now: Tables) -> str:
    """Failed items: stage, reason, num, examples."""
    example = "{'gif_id': gif_id, 'message': message}"
    return (
        "select stage, reason, count(*) as num,\n"
        f"  list({example} order by gif_id, message)[:{MAX_EXAMPLES}] as examples\n"
        f"from {now.scan(FAILURES)} group by stage, reason order by num desc, stage, reason"
    )


def groups_sql(now: Tables) -> str:
    """Groups of near duplicates: num_groups, num_gifs."""
    return f"select count(distinct group_id) as num_groups, count(*) as num_gifs from {now.scan(DUPLICATES)}"


def largest_groups_sql(now: Tables) -> str:
    """The largest groups: group_id, group_size."""
    return (
        f"select group_id, group_size from {now.scan(DUPLICATES)} where gif_id = group_id\n"
        f"order by group_size desc, group_id limit {NUM_LARGEST}"
    )


def weights_sql(now: Tables) -> str:
    """Experts with their weights."""
    return (
        f"select expert, weight, weight_low, weight_high, num_correct, num_evaluated from {now.scan(EXPERT_WEIGHTS)} "
        "order by expert"
    )


def weights_course_sql(runs: Sequence[Tables]) -> str:
    """Experts' weights in each of these runs: run_id, expert, weight."""
    parts = (
        f"select {_quoted(run.release.run_id)} as run_id, expert, weight from {run.scan(EXPERT_WEIGHTS)}"
        for run in runs
    )
    return "\nunion all ".join(parts) + "\norder by run_id, expert"


def trends_sql(now: Tables, limit: int) -> str:
    """What rises: kind, period, rank, item, observed, expected, window_hours, as_of."""
    return (
        "select kind, period, rank, item, observed, expected, window_hours, cast(as_of as varchar) as as_of\n"
        f"from {now.scan(TRENDS)} where rank <= {limit} order by kind, period, rank"
    )


def calibration_sql(now: Tables) -> str:
    """The reliability table of probabilities, as the run's record has it."""
    return _of_run(now, "select calibration")


def gates_sql(now: Tables) -> str:
    """Gates of the run: gate, seen."""
    return f"select entry.key as gate, entry.value as seen from ({_of_run(now, _unnested('gates'))})"


def stages_sql(now: Tables) -> str:
    """Seconds and rows of the last runs by stage: run_id, stage, seconds, rows_out."""
    return (
        "select run_id, entry.key as stage, entry.value as seconds, rows_out[entry.key] as rows_out\n"
        f"from (select run_id, sequence, rows_out, unnest(map_entries(seconds)) as entry from {now.scan(RUNS)}\n"
        f"  where cardinality(seconds) > 0 and sequence <= {now.release.sequence}\n"
        f"    order by sequence desc)\n"
        f"qualify dense_rank() over (order by sequence desc) <= {MAX_RUNS} order by sequence"
    )


def _unnested(column: str) -> str:
    return f"select unnest(map_entries({column})) as entry"


def _of_run(now: Tables, select: str) -> str:
    return f"{select} from {now.scan(RUNS)} where sequence = {now.release.sequence}"


def _listed(values: Sequence[str]) -> str:
    return f"({', '.join(map(_quoted, values))})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
