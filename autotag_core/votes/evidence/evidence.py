"""What is known of a (GIF, tag) pair before it is judged, as columns of a table and as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SHARE_UNIT = 1 << 24
"""Shares are summed as whole numbers of this fraction. So the sum is the same in any order and any partitioning."""


def evidence_schema(experts: Sequence[str]) -> pa.Schema:
    """The columns of the evidence on a pair, one row a pair. `experts` must be sorted."""
    fields = [
        pa.field("gif_id", pa.string()),
        pa.field("tag", pa.string()),
        pa.field("is_own", pa.bool_()),
        pa.field("is_slip", pa.bool_()),
        pa.field("is_correction", pa.bool_()),
        pa.field("is_copied", pa.bool_()),
        pa.field("is_editorial", pa.bool_()),
        pa.field("is_taught", pa.bool_()),
        pa.field("prior", pa.float64()),
        pa.field("together", pa.float64()),
        pa.field("likeness", pa.float64()),
    ]
    for name in experts:
        fields += [
            pa.field(f"share_{name}", pa.float64()),
            pa.field(f"spread_{name}", pa.float64()),
            pa.field(f"lift_{name}", pa.float64()),
            pa.field(f"votes_{name}", pa.int32()),
        ]
    return pa.schema(fields)


@dataclass(frozen=True)
class ExpertEvidence:
    """What one expert says of n pairs.

    share (n,): the weights of the GIF's neighbors with the tag over the weights of all, 0..1. A neighbor's weight falls
    with its distance; NaN where the expert abstains from the GIF. spread (n,): the neighbors' effective number,
    (sum w)^2 / sum w^2. lift (n,): how much likelier than chance the expert's neighbors of another GIF with the tag
    have it too, at least 1. votes (n,): how many of the nearest neighbors have the tag, as the published rule counts
    (slips included, where evidence was gathered with slips).
    """

    share: Floats
    spread: Floats
    lift: Floats
    votes: Ints


@dataclass(frozen=True)
class Evidence:
    """n (GIF, tag) pairs.

    gifs (n,): the number of each pair's GIF. is_own: the uploader gave the tag. is_slip: the tag looks misspelled, and
    all other columns are about the tag it looks like. is_correction: not given, but what a slip of this GIF may have
    meant. is_copied: not given, but a near duplicate of the GIF came with it. is_editorial: an editor gave it.
    is_taught: the GIF is a train GIF and has the tag, as meant, from its uploader, so experts may have learned it
    there. prior (n,): share of the other train GIFs that have the tag. together (n,): mean log lift of the tag with the
    GIF's other tags, 0 where nothing is known. It is evidence on the GIF's own tag that did not come from that tag.
    likeness (n,): log likelihood ratio that the GIF looks like other train GIFs with the tag (discriminant/); NaN where
    that is unknown.
    """

    gifs: Ints
    is_own: Bools
    is_slip: Bools
    is_correction: Bools
    is_copied: Bools
    is_editorial: Bools
    is_taught: Bools
    prior: Floats
    together: Floats
    likeness: Floats
    experts: Mapping[str, ExpertEvidence]

    def __len__(self) -> int:
        return len(self.prior)

    @property
    def is_said(self) -> Bools:
        """Whether somebody gave the tag, as written, misspelled or to a copy of the GIF: it is judged like own tags."""
        return self.is_own | self.is_correction | self.is_copied

    def where(self, chosen: Bools | Ints) -> Evidence:
        """The chosen pairs alone: those where `chosen` (n,) is true, or those with these numbers."""
        columns = {one.name: getattr(self, one.name)[chosen] for one in fields(self) if one.name != "experts"}
        experts = {
            name: ExpertEvidence(**{one.name: getattr(expert, one.name)[chosen] for one in fields(expert)})
            for name, expert in self.experts.items()
        }
        return Evidence(**columns, experts=experts)


def evidence_of(table: pa.Table | pa.RecordBatch, experts: Sequence[str]) -> Evidence:
    """The arrays of a table with the columns of `evidence_schema`."""

    def floats(name: str) -> Floats:
        return np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)

    def bools(name: str) -> Bools:
        return np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=bool)

    gif_ids = table["gif_id"]
    gif_ids = gif_ids.combine_chunks() if isinstance(gif_ids, pa.ChunkedArray) else gif_ids
    return Evidence(
        gifs=gif_ids.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64),
        is_own=bools("is_own"),
        is_slip=bools("is_slip"),
        is_correction=bools("is_correction"),
        is_copied=bools("is_copied"),
        is_editorial=bools("is_editorial"),
        is_taught=bools("is_taught"),
        prior=floats("prior"),
        together=floats("together"),
        likeness=floats("likeness"),
        experts={
            name: ExpertEvidence(
                share=floats(f"share_{name}"),
                spread=floats(f"spread_{name}"),
                lift=floats(f"lift_{name}"),
                votes=floats(f"votes_{name}").astype(np.int64),
            )
            for name in experts
        },
    )
