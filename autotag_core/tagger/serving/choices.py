"""What a person took, refused and added for a GIF that they upload: a row of the table choices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pyarrow as pa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from autotag_core.tables import CHOICES
from autotag_core.warehouse import table_uri
from autotag_core.warehouse.own_tables import append_rows
from autotag_core.warehouse.table_log import write_checkpoint


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("it must be printable text")
    return text.strip()


Tag = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=100)]
Chance = Annotated[float, Field(ge=0, le=1)]


class Choice(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gif: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    gif_id: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)] | None = None
    offered: Annotated[dict[Tag, Chance], Field(max_length=100)]
    taken: Tags
    refused: Tags
    added: Tags

    @model_validator(mode="after")
    def _each_offer_has_an_answer(self) -> Choice:
        if sorted((*self.taken, *self.refused)) != sorted(self.offered):
            raise ValueError("taken and refused must hold each offered tag once, and no other")
        if len({*self.added, *self.taken}) < len(self.added) + len(self.taken):
            raise ValueError("an added tag is there twice")
        return self


def add_choice(warehouse: str, choice: Choice, model: str) -> None:
    """Add the row. Each is a commit of its own, so none is lost; the log stays short to read."""
    row = {
        "gif": choice.gif,
        "gif_id": choice.gif_id,
        "offered": list(choice.offered.items()),
        "taken": list(choice.taken),
        "refused": list(choice.refused),
        "added": list(choice.added),
        "model": model,
        "time": datetime.now(UTC),
    }
    append_rows(warehouse, CHOICES, pa.Table.from_pylist([row], schema=CHOICES.plain_schema))
    write_checkpoint(table_uri(warehouse, CHOICES.name))
