"""SQL over the tables of a release, by DuckDB."""

from __future__ import annotations

import pytest

from autotag_core.errors import InputError
from autotag_core.reports.release_sql import release_sql
from autotag_core.warehouse import release_before


def test_a_query_reads_a_release_and_the_one_before_beside_it(two_nights: str) -> None:
    first = release_before(two_nights).run_id
    sql = release_sql(two_nights, before=first)
    now, before = (sql(f"select count(*) as num from {name}")["num"][0] for name in ("catalog", "before_catalog"))
    assert (now, before) == (
        release_sql(two_nights)("select count(*) as num from catalog")["num"][0],
        release_sql(two_nights, first)("select count(*) as num from catalog")["num"][0],
    )
    assert sql("select gif_id from catalog anti join before_catalog using (gif_id)")["gif_id"].tolist()
    assert sql("select count(*) as num from runs")["num"][0] == 2


def test_size_and_explode_are_known_as_in_spark(two_nights: str) -> None:
    sql = release_sql(two_nights)
    counted = sql("select sum(size(tags)) as num from catalog")["num"][0]
    assert counted == sql("select count(*) as num from (select explode(tags) as tag from catalog)")["num"][0] > 0


def test_the_first_release_has_none_before_it(two_nights: str) -> None:
    first = release_before(two_nights).run_id
    with pytest.raises(InputError, match=f"run {first} made the first release, so there is none before it"):
        release_before(two_nights, first)
