"""What a table is: name, columns with units, key and partitioning; and whether a schema is a table's."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from autotag_core.errors import AutotagError


@dataclass(frozen=True)
class Table:
    """A table's contract. `key` columns are unique together; `partition_by` columns are folders."""

    name: str
    row: str
    schema: pa.Schema
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    is_ordered: bool = False
    """Whether the writer's order of rows means something. If not, each file is sorted by the key."""

    @property
    def plain_schema(self) -> pa.Schema:
        """The schema without comments and nullability, which Spark would take for columns' metadata."""
        return pa.schema([pa.field(item.name, item.type) for item in self.schema])


def column(name: str, kind: pa.DataType, about: str, nullable: bool = True) -> pa.Field:
    """A column. Its comment says what it holds and in which unit."""
    return pa.field(name, kind, nullable=nullable, metadata={"comment": about})


STRINGS = pa.list_(pa.string())


def check_columns(table: Table, schema: pa.Schema) -> None:
    """Raise one AutotagError that lists every missing, unknown and wrongly typed column; order does not matter."""
    found = {field.name: field.type for field in schema}
    wanted = {field.name: field.type for field in table.schema}
    problems = [f"{name} is missing, it must be {kind}" for name, kind in wanted.items() if name not in found]
    problems += [f"{name} is unknown" for name in found if name not in wanted]
    problems += [
        f"{name} is {found[name]}, it must be {kind}"
        for name, kind in wanted.items()
        if name in found and not _same_type(found[name], kind)
    ]
    if problems:
        raise AutotagError(f"table {table.name}: {'; '.join(problems)}")


def _same_type(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Equal types, whatever the names of list items and the nullability inside."""
    if pa.types.is_list(found) and pa.types.is_list(wanted):
        return _same_type(found.value_type, wanted.value_type)
    if pa.types.is_map(found) and pa.types.is_map(wanted):
        return _same_type(found.key_type, wanted.key_type) and _same_type(found.item_type, wanted.item_type)
    if pa.types.is_struct(found) and pa.types.is_struct(wanted):
        names = [field.name for field in found]
        return names == [field.name for field in wanted] and all(
            _same_type(found[i].type, wanted[i].type) for i in range(len(names))
        )
    return bool(found == wanted)
