"""Files as rows: literal bytes in, values out; what can't be read is a row that says why."""

from __future__ import annotations

import codecs
import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autotag_core import inputs
from autotag_core.errors import InputError
from autotag_core.inputs import Column, lines, parquet_rows, rows

COLUMNS = (
    Column("gif_id", "id", is_required=True),
    Column("tags", "texts"),
    Column("caption", holds_breaks=True),
    Column("popularity", "integer"),
    Column("uploader"),
)
Read = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write files into a folder or alone, read all: (gif_id, tags, caption, popularity, uploader, wrong, problem)."""

    def run(name: str, content: Any = None, columns: tuple[Column, ...] = COLUMNS) -> list[tuple[Any, ...]]:
        for below, part in (content if isinstance(content, dict) else {"": content}).items():
            path = tmp_path / name / below if below else tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(part, pa.Table):
                pq.write_table(part, path, compression="zstd")
            elif part is not None:
                path.write_bytes(part if isinstance(part, bytes) else part.encode())
        parts = [part for task in inputs.find_parts(str(tmp_path / name)) for part in task]
        batches = [batch for part in parts for batch in inputs.read_part(part, columns, "|")]
        assert all(batch.schema == inputs.schema(columns) for batch in batches)
        found = [tuple(row.values())[:-1] for batch in batches for row in batch.to_pylist()]
        return [
            tuple(str(v).replace(f"{tmp_path}/", "") if n == len(row) - 1 and v else v for n, v in enumerate(row))
            for row in found
        ]

    return run


def bare(gif_id: str | None, **values: Any) -> tuple[Any, ...]:
    row = {"gif_id": gif_id, "tags": None, "caption": None, "popularity": None, "uploader": None}
    return (*(row | values).values(), None, None)


def unread(problem: str, wrong: str = "row") -> tuple[Any, ...]:
    return (None, None, None, None, None, wrong, problem)


def test_names_of_json_lines_may_differ_in_case_and_space(read: Read) -> None:
    content = '{"Gif_ID": "a", " tags ": ["x"], "POPULARITY": 3}\n{"gif_id": "b", "Tags": ["y"]}\n'
    assert read("c.jsonl", content) == [bare("a", tags=["x"], popularity=3), bare("b", tags=["y"])]


def test_two_names_of_one_column_are_refused_by_name(read: Read) -> None:
    said = "column tags is there 2 times: 'tags', 'Tags'"
    assert read("c.jsonl", '{"gif_id": "a", "tags": ["x"], "Tags": ["y"]}\n') == [unread(said)]
    assert read("d.csv", "gif_id,tags,Tags\na,x,y\n") == [unread(f"d.csv: {said}", "file")]
    table = pa.table([["a"], [["x"]], [["y"]]], names=["gif_id", "tags", "Tags"])
    assert read("e.parquet", table) == [unread(f"e.parquet: {said}", "file")]
    twice = "column tags is there 2 times: 'tags', 'tags'"
    assert read("f.csv", "gif_id,tags,tags\na,x,y\n") == [unread(f"f.csv: {twice}", "file")]


def test_ids_are_never_rounded(read: Read) -> None:
    content = '{"gif_id": 12345678901234567890123}\n{"gif_id": 1.0}\n{"gif_id": 1e3}\n{"gif_id": -7}\n'
    fraction = (
        None,
        None,
        None,
        None,
        None,
        "gif_id",
        "gif_id is a number with a fraction, not a text or a whole number",
    )
    assert read("c.jsonl", content) == [bare("12345678901234567890123"), fraction, fraction, bare("-7")]
    for number, (values, kind) in enumerate(
        [([1.5], "double"), ([b"a"], "binary"), ([["a"]], "list<element: string>")]
    ):
        said = f"{number}.parquet: column gif_id is {kind}; it must be string or integer"
        assert read(f"{number}.parquet", pa.table({"gif_id": values})) == [unread(said, "file")]
    decimals = pa.array([10**25], pa.decimal128(30, 0))
    assert read("d.parquet", pa.table({"gif_id": decimals})) == [bare(str(10**25))]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("[", ", but part of a JSON array: write one object a line, without brackets and commas around it"),
        (
            '{"gif_id": "a"},',
            ", but part of a JSON array: write one object a line, without brackets and commas around it",
        ),
        ('"{\\"gif_id\\": 1}"', ", but a text: if it quotes an object, write the object itself"),
        ('{"gif_id": "a", "ta', ", cut short: is the file whole?"),
        ('{"gif_id": "a"}'.encode("utf-16-le").decode(), ", perhaps UTF-16: write UTF-8"),
        ("cat", ""),
        ("[" * 100_000, ""),
    ],
)
def test_a_line_that_is_no_object_says_what_it_may_be(line: str, why: str, read: Read) -> None:
    assert read("c.jsonl", line + "\n") == [unread(f"not a JSON object{why}")]


def test_tags_that_are_a_list_in_a_text_say_so(read: Read) -> None:
    said = "tags is not a list of strings, but a text that looks like one"
    assert [row[-1] for row in read("c.jsonl", '{"gif_id": "a", "tags": "[\\"x\\"]"}\n')] == [said]
    assert [row[-1] for row in read("c.csv", "gif_id,tags\na,\"['x', 'y']\"\n")] == [said]


def test_half_of_a_pair_of_utf_16_is_replaced(read: Read) -> None:
    content = '{"gif_id": "a", "tags": ["\\ud83d", "\\ud83d\\ude00"], "caption": "\\ude00!"}\n'
    assert read("c.jsonl", content) == [bare("a", tags=["\ufffd", "😀"], caption="\ufffd!")]


def test_each_csv_file_of_a_folder_is_read_by_its_own_header(read: Read) -> None:
    parts = {"a.csv": "gif_id,tags\na,x|y\n", "deep/b.csv": "caption,GIF_ID\nhi,b\n", "c.csv": "", "d.csv": "id\nx\n"}
    assert read("c.csv", parts) == [
        bare("a", tags=["x", "y"]),
        unread("c.csv/d.csv: column gif_id missing; it has id", "file"),
        bare("b", caption="hi"),
    ]


def test_each_line_of_csv_has_its_own_end(read: Read) -> None:
    content = codecs.BOM_UTF8 + b'"gif_id",caption\r\na,"1\r\n2"\nb,"3\n4"\r\nc,5\rd,6'
    assert read("c.csv", content) == [
        bare("a", caption="1\r\n2"),
        bare("b", caption="3\n4"),
        bare("c", caption="5"),
        bare("d", caption="6"),
    ]


def test_a_quote_gone_wrong_costs_the_rows_that_it_holds_and_says_so(read: Read) -> None:
    assert read("c.csv", 'gif_id,tags\na,"x\nb,"y"\nc,z\nd,"w\ne,v\n') == [
        unread("a quote is wrong (',' expected after '\"')"),
        bare("c", tags=["z"]),
        unread("a quote is wrong (unexpected end of data)"),
    ]
    broken = ("a\n", None, None, None, None, "row", "a line break in gif_id: a quote is wrong")
    assert read("d.csv", 'gif_id\n"a\n"\nb\n') == [("a", *broken[1:]), bare("b")]
    assert read("e.csv", "gif_id,tags\na,x,y\n") == [
        ("a", ["x"], None, None, None, "row", "3 cells under a header of 2")
    ]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of more than 100 bytes are too long."""
    for module in (lines, parquet_rows):
        monkeypatch.setattr(module, "MAX_ROW_BYTES", 100)
    monkeypatch.setattr(lines, "SHOWN_BYTES", 10)
    monkeypatch.setattr("autotag_core.inputs.csv_rows.MAX_ROW_BYTES", 100)


def test_a_huge_row_fails_alone(small: None, read: Read, tmp_path: Path) -> None:
    too_long = unread(lines.TOO_LONG)
    huge = "x" * 500
    content = f'{{"gif_id": "a"}}\n{{"gif_id": "b", "caption": "{huge}"}}\n{{"gif_id": "c"}}\n'
    assert read("c.jsonl.gz", gzip.compress(content.encode())) == [bare("a"), too_long, bare("c")]
    for cell in (huge, f'"{huge}"', f'"{huge}\nd,y"', f'"z\n{huge}""\n"""', '"' + "d,y\n" * 100 + '"'):
        assert read("c.csv", f"gif_id,caption\na,x\nb,{cell}\nc,\n") == [bare("a", caption="x"), too_long, bare("c")]
    table = pa.table({"gif_id": ["a", "b", "c"], "caption": ["x", huge, None]})
    for is_coded in (True, False):
        pq.write_table(table, tmp_path / "p.parquet", use_dictionary=is_coded)
        assert sorted(map(str, read("p.parquet"))) == sorted(map(str, [bare("a", caption="x"), too_long, bare("c")]))
    tags = pa.table({"gif_id": ["a", "b"], "tags": [["x"], ["y"] * 50]})
    assert sorted(map(str, read("t.parquet", tags))) == sorted(map(str, [bare("a", tags=["x"]), too_long]))


def test_parquet_as_others_write_it(read: Read) -> None:
    table = pa.table(
        {
            "GIF_ID ": pa.array(["a", "b"]).dictionary_encode(),
            "tags": pa.array([[], []], pa.list_(pa.null())),
            "caption": pa.array([None, None], pa.null()),
            "uploader": pa.array(["k", " "], pa.large_string()),
            "popularity": pa.array([2.7, float("nan")]),
            "when": pa.array([1, 2], pa.timestamp("ns")),
        }
    )
    assert read("c.parquet", table) == [bare("a", tags=[], popularity=2, uploader="k"), bare("b", tags=[])]
    arrow = pa.table({"gif_id": ["a"], "tags": pa.array([["x", None]], pa.large_list(pa.large_string()))})
    assert read("d.parquet", arrow) == [bare("a", tags=["x", None])]
    parts = {
        "uploader=007/p.parquet": pa.table({"gif_id": [1]}),
        "q.parquet": pa.table({"gif_id": ["b"], "tags": [["t"]]}),
    }
    assert read("e.parquet", parts) == [bare("b", tags=["t"]), bare("1", uploader="007")]


def test_text_of_parquet_that_is_no_utf_8_is_replaced(read: Read, tmp_path: Path) -> None:
    bad = pa.array([b"ok", b"\xff!"], pa.binary()).view(pa.string())
    tags = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), bad)
    assert read("c.parquet", pa.table({"gif_id": ["a", "b"], "caption": bad, "tags": tags})) == [
        bare("a", caption="ok", tags=["ok"]),
        bare("b", caption="\ufffd!", tags=["\ufffd!"]),
    ]


def test_row_groups_are_shared_out_between_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"gif_id": [str(n) for n in range(1000)]}), path, row_group_size=100)
    monkeypatch.setattr("autotag_core.inputs.layout.PART_BYTES", 1000)
    parts = [part for task in inputs.find_parts(str(path)) for part in task]
    found = [[v for b in inputs.read_part(p, COLUMNS, "|") for v in b["gif_id"].to_pylist()] for p in parts]
    assert len(parts) > 3 and sum(map(bool, found)) > 1
    assert [value for values in found for value in values] == [str(n) for n in range(1000)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.jsonl.gz", b"not gzip", "zlib inflate failed"),
        (
            "c.csv.gz",
            gzip.compress(random.Random(7).randbytes(50_000), mtime=0)[:20_000],
            "Truncated compressed stream",
        ),
        ("c.parquet", b"hello", "Parquet"),
        ("c.parquet", b"PAR1" * 20, "Parquet"),
    ],
)
def test_a_damaged_file_is_said_as_one_row(name: str, content: bytes, said: str, read: Read) -> None:
    *_, wrong, problem = read(name, content)[-1]
    assert wrong == "file" and problem.startswith(f"{name}: cannot be read: ") and said in problem
    assert "\n" not in problem


def test_a_list_can_not_come_from_the_name_of_a_folder(read: Read) -> None:
    with pytest.raises(InputError, match="tags can't come from the name of a folder, tags=cat"):
        read("c.csv", {"tags=cat/a.csv": "gif_id\na\n"})


def test_ids_in_lists_are_texts_or_whole_numbers(read: Read) -> None:
    columns = (Column("session", "id"), Column("gif_ids", "ids"))
    content = "".join(
        f'{{"session": {n}, "gif_ids": {ids}}}\n'
        for n, ids in enumerate(['["a ", 7]', "[]", "[1.5]", '["a", ""]', '"a"'])
    )
    said = "gif_ids is not a list of strings or whole numbers"
    assert read("s.jsonl", content, columns) == [
        ("0", ["a", "7"], None, None),
        ("1", [], None, None),
        *((str(n), None, "gif_ids", said) for n in (2, 3, 4)),
    ]
    table = pa.table({"session": [1, 2], "gif_ids": [[5, 6], [None]]})
    assert read("s.parquet", table, columns) == [("1", ["5", "6"], None, None), ("2", None, "gif_ids", said)]


def test_batches_hold_a_few_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "BATCH_BYTES", 200)
    path = tmp_path / "c.jsonl"
    path.write_text("".join(f'{{"gif_id": "{n:040}"}}\n' for n in range(10)))
    (part,) = inputs.find_parts(str(path))[0]
    assert [batch.num_rows for batch in inputs.read_part(part, COLUMNS, "|")] == [2] * 5
