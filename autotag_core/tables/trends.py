"""The table of what rises."""

from __future__ import annotations

import pyarrow as pa

from autotag_core.tables.table import Table, column

TRENDS = Table(
    "trends",
    "a query, tag or GIF that rises; a table of its own, which `autotag trends` writes whole and no nightly run",
    pa.schema(
        [
            column("kind", pa.string(), "key: query, tag or gif"),
            column("item", pa.string(), "key: a query or tag as the labels normalise it, or a gif_id"),
            column("period", pa.string(), "key: hour, what rises now, or day, what rises these days"),
            column("rank", pa.int32(), "among rising items of the kind and period, from 1; highest score first"),
            column("score", pa.float32(), "doublings: it is above its usual by at least so many, with 95% confidence"),
            column("as_of", pa.timestamp("us", tz="UTC"), "end of the last hour that was looked at"),
            column("window_hours", pa.int32(), "the newest hours in which it is most surprising"),
            column("observed", pa.int64(), "its events in them"),
            column("expected", pa.float64(), "events that are usual for it at these hours"),
            column("ratio", pa.float64(), "(observed + 1) / (expected + 1)"),
            column("p_value", pa.float64(), "how likely so many events are where nothing rises"),
            column(
                "q_value", pa.float64(), "share of false discoveries to expect among items with at most this p_value"
            ),
        ]
    ),
    ("kind", "item", "period"),
)
