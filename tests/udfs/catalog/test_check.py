"""The catalog: literal files in, GIFs and failures out; every row ends as one or the other."""

from __future__ import annotations

import codecs
import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from autotag_core.errors import InputError
from udfs.catalog.check import assign_splits, check_catalog, place_rows, read_catalog
from udfs.inputs.read_rows import count_rows, read_ids

Rows = list[tuple[object, ...]]
READ = "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint"
OTHERS = "version string, uploader string, renditions array<string>, wrong string, problem string, raw string"
Check = Callable[..., tuple[Rows, dict[object, Rows]]]


@pytest.fixture
def check(spark: SparkSession, tmp_path: Path) -> Check:
    """Write a file of this name, read and check it: ((gif_id, uri in the folder, ...) rows, failures by reason)."""

    def run(name: str, content: bytes | str | pa.Table, separator: str = "|") -> tuple[Rows, dict[object, Rows]]:
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        rows_df = read_catalog(spark, str(path), separator)
        count_rows(rows_df)
        checked = check_catalog(place_rows(rows_df, str(path)), str(path))
        gifs = [tuple(row) for row in checked.gifs_df.drop("uploader", "renditions").orderBy("gif_id").collect()]
        failures: dict[object, Rows] = {}
        for row in checked.failures_df.orderBy("gif_id", "message").collect():
            assert row["stage"] == "catalog"
            failures.setdefault(row["reason"], []).append((row["gif_id"], row["message"]))
        return [(row[0], str(row[1]).removeprefix(f"{tmp_path}/"), *row[2:]) for row in gifs], failures

    return run


def lines(*rows: object) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)


def refusal(action: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_full_row_and_a_bare_row_of_json_lines(check: Check) -> None:
    full = {
        "gif_id": " cat1 ",
        "uri": "gifs/cat.gif",
        "tags": [" cat", "Cat", "cat", "", "\t", None, "gå å"],
        "editorial_tags": ["feline"],
        "caption": " a cat\n",
        "popularity": 12,
        "version": "etag",
        "owner": {"name": "nobody asks"},
    }
    gifs, failures = check("catalog.jsonl", lines(full, "", "   ", {"gif_id": 7, "uri": "x"}))
    assert gifs == [
        ("7", "x", [], [], None, 0, None),
        ("cat1", "gifs/cat.gif", ["cat", "Cat", "gå å"], ["feline"], "a cat", 12, "etag"),
    ]
    assert failures == {}


@pytest.mark.parametrize("name", ["catalog.jsonl", "catalog.csv", "catalog.parquet"])
def test_an_uploader_is_kept_where_the_catalog_names_one(name: str, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / name
    table = pa.table({"gif_id": ["a", "b"], "uri": ["x", "y"], "uploader": [" Kim", None]})
    if name.endswith("parquet"):
        pq.write_table(table, path)
    else:
        path.write_text("gif_id,uri,uploader\na,x, Kim\nb,y,\n" if "csv" in name else lines(*table.to_pylist()))
    checked = check_catalog(place_rows(read_catalog(spark, str(path), "|"), str(path)), str(path))
    found = {row["gif_id"]: row["uploader"] for row in assign_splits(checked.gifs_df).collect()}
    assert found == {"a": "Kim", "b": None}


@pytest.mark.parametrize("name", ["catalog.jsonl", "catalog.csv", "catalog.parquet"])
def test_renditions_are_made_absolute_and_kept_in_their_order(name: str, spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / name
    renditions = [[" b/a.webm ", "a.mp4", "", "a.mp4"], None]
    table = pa.table({"gif_id": ["a", "b"], "uri": ["x", "y"], "renditions": renditions})
    if name.endswith("parquet"):
        pq.write_table(table, path)
    else:
        text = "gif_id,uri,renditions\na,x,b/a.webm|a.mp4\nb,y,\n"
        path.write_text(text if "csv" in name else lines(*table.to_pylist()))
    checked = check_catalog(place_rows(read_catalog(spark, str(path), "|"), str(path)), str(path))
    found = {row["gif_id"]: row["renditions"] for row in assign_splits(checked.gifs_df).collect()}
    assert found == {"a": [f"{tmp_path}/b/a.webm", f"{tmp_path}/a.mp4"], "b": []}


def test_a_rendition_that_would_not_be_read_is_refused_with_its_row(check: Check) -> None:
    rows = [
        {"gif_id": "out", "uri": "x", "renditions": ["a.mp4", "/etc/passwd"]},
        {"gif_id": "signed", "uri": "x", "renditions": ["a.mp4", "s3a://b/k?X-Amz-Signature=secret"]},
        {"gif_id": "no list", "uri": "x", "renditions": "a.mp4"},
    ]
    gifs, failures = check("catalog.jsonl", lines(*rows))
    assert gifs == []
    [[leads_out, signed], [no_list]] = failures["unsupported_uri"], failures["invalid_tags"]
    assert leads_out[0] == "out" and str(leads_out[1]).startswith("the uri leads out of ")
    assert signed == (
        "signed",
        "credentials do not belong in a uri, the environment has them: (not shown: its uri holds credentials)",
    )
    assert no_list[1] == f"renditions is not a list of strings in: {json.dumps(rows[2])}"


def test_each_reason_with_the_row_that_has_it(check: Check) -> None:
    gifs, failures = check(
        "catalog.jsonl",
        lines(
            {"gif_id": "good", "uri": "x"},
            "not json",
            '{"gif_id": "cut", "uri": "x"',
            "[1, 2]",
            "null",
            '{"gif_id": "a", "uri": "x"} {"gif_id": "b", "uri": "y"}',
            '{"gif_id": "a", "uri": "x"}, {"gif_id": "b", "uri": "y"}',
            '{"gif_id": "a", "gif_id": "b", "uri": "x"}',
            {"uri": "x"},
            {"gif_id": " ", "uri": "x"},
            {"gif_id": None, "uri": "x"},
            {"gif_id": ["l"], "uri": "x"},
            {"gif_id": True, "uri": "x"},
            {"gif_id": "good", "uri": "y"},
            {"gif_id": "u1"},
            {"gif_id": "u2", "uri": ""},
            {"gif_id": "u3", "uri": {"s3": "x"}},
            {"gif_id": "t1", "uri": "x", "tags": "cat"},
            {"gif_id": "t2", "uri": "x", "tags": ["cat", 1]},
            {"gif_id": "t3", "uri": "x", "editorial_tags": [["cat"]]},
            {"gif_id": "t4", "uri": "x", "tags": {"cat": 1}},
        ),
    )
    assert [row[0] for row in gifs] == ["good"]
    assert {reason: [row[0] for row in rows] for reason, rows in failures.items()} == {
        "unreadable_row": [None] * 7,
        "missing_gif_id": [None] * 5,
        "duplicate_gif_id": ["good"],
        "missing_uri": ["u1", "u2", "u3"],
        "invalid_tags": ["t1", "t2", "t3", "t4"],
    }
    assert failures["duplicate_gif_id"] == [
        ("good", 'another row has this gif_id: {"gif_id": "good", "uri": "y"}'),
    ]
    assert failures["invalid_tags"][2][1] == (
        'editorial_tags is not a list of strings in: {"gif_id": "t3", "uri": "x", "editorial_tags": [["cat"]]}'
    )


def test_a_good_row_never_loses_to_a_broken_one_of_the_same_gif(check: Check) -> None:
    gifs, failures = check(
        "catalog.jsonl",
        lines(
            {"gif_id": "a", "uri": "1", "tags": "cat"},
            {"gif_id": "a"},
            {"gif_id": "a", "uri": "3", "tags": ["late"]},
            {"gif_id": "a", "uri": "2", "tags": ["good"]},
            {"gif_id": "a", "uri": "2", "tags": ["zebra"]},
        ),
    )
    assert [(row[0], row[1], row[2]) for row in gifs] == [("a", "2", ["good"])]
    assert {reason: len(rows) for reason, rows in failures.items()} == {"duplicate_gif_id": 4}


def odd_lines(num_lines: int) -> list[bytes]:
    """Rows of a catalog, most of them spoiled: bytes cut, doubled, replaced; ids that repeat."""
    draw = random.Random(7)
    found = []
    for _ in range(num_lines):
        row: dict[str, object] = {
            "gif_id": f"g{draw.randrange(num_lines // 2)}",
            "uri": draw.choice(["a.gif", "b ü", ""]),
        }
        row |= {
            "tags": draw.choice([["cat", "dog"], [1], "cat", None, [[]]]),
            "popularity": draw.choice([1, "x", 1e300]),
        }
        line = bytearray(json.dumps(row, ensure_ascii=draw.random() < 0.5).encode())
        for _ in range(draw.choice([0, 0, 0, 1, 3])):
            place = draw.randrange(len(line))
            line[place : place + draw.randrange(3)] = draw.choice(
                [b"", b'"', b"}", b"{", b"\\", b"\xff", b"\0", b"[", b"}{"]
            )
        found.append(bytes(line))
    return found


@pytest.fixture
def tiny_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in parts of 500 bytes."""
    monkeypatch.setattr("autotag_core.inputs.layout.PART_BYTES", 500)
    monkeypatch.setattr("autotag_core.inputs.layout._OPEN_BYTES", 0)


def test_every_line_ends_as_a_gif_or_a_failure(check: Check) -> None:
    content = b"\n".join(odd_lines(3000))
    num_lines = len([line for line in re.split(rb"\r\n|\r|\n", content) if line.strip()])
    gifs, failures = check("catalog.jsonl", content)
    assert len(gifs) + sum(map(len, failures.values())) == num_lines
    assert len({row[0] for row in gifs}) == len(gifs) > 200
    assert {"unreadable_row", "duplicate_gif_id", "missing_uri", "invalid_tags"} <= set(failures)
    assert all(row[1] and isinstance(row[5], int) and row[5] >= 0 for row in gifs)


def test_the_same_rows_are_kept_however_the_file_is_ordered_and_split(
    check: Check, request: pytest.FixtureRequest
) -> None:
    rows = odd_lines(60)
    whole = check("catalog.jsonl", b"\n".join(rows))
    request.getfixturevalue("tiny_parts")
    assert check("catalog.jsonl", b"\n".join(rows)) == whole
    assert check("catalog.jsonl", b"\n".join(reversed(rows))) == whole


def test_lines_that_are_strange_but_not_wrong_are_read(check: Check) -> None:
    deep = '{"gif_id": "deep", "uri": "x", "other": ' + "[" * 300 + "]" * 300 + "}"
    content = (
        codecs.BOM_UTF8
        + lines(
            {"gif_id": "first", "uri": "x"},
            deep,
            '\t{"uri":"x" , "gif_id":"sp\\u0061ced"}  ',
            {"gif_id": "long", "uri": "x", "caption": "x" * 3_000_000},
            {"gif_id": "ünï 🐈", "uri": "x"},
            '\ufeff{"gif_id": "glued", "uri": "x"}\r',
        ).encode()
    )
    gifs, failures = check("catalog.jsonl", content + b'{"gif_id": "not utf-8 \xff", "uri": "x"}')
    assert [row[0] for row in gifs] == ["deep", "first", "glued", "long", "not utf-8 \ufffd", "spaced", "ünï 🐈"]
    assert failures == {}


def test_a_failure_quotes_only_the_beginning_of_a_long_row(check: Check) -> None:
    _, failures = check("catalog.jsonl", lines({"gif_id": "a", "caption": "x" * 100_000}))
    assert len(failures["missing_uri"][0][1]) < 300


def test_a_popularity_that_is_no_number_or_negative_is_zero(check: Check) -> None:
    values = {"5": 5, '"5"': 5, "2.9": 2, '"many"': 0, "null": 0, "-3": 0, "1e300": 0, "[5]": 0, '{"views": 5}': 0}
    rows = [f'{{"gif_id": "{number}", "uri": "x", "popularity": {text}}}' for number, text in enumerate(values)]
    gifs, failures = check("catalog.jsonl", lines(*rows))
    assert [row[5] for row in gifs] == list(values.values())
    assert failures == {}


def resolved(spark: SparkSession, catalog_uri: str, *uris: str) -> list[str]:
    rows = [(str(number), uri, *[None] * 9, uri) for number, uri in enumerate(uris)]
    rows_df = spark.createDataFrame(rows, f"{READ}, {OTHERS}")
    gifs_df = check_catalog(place_rows(rows_df, catalog_uri, ["/", "s3a://b"]), catalog_uri).gifs_df
    return [row["uri"] for row in gifs_df.orderBy(rows_df.gif_id.cast("int")).collect()]


@pytest.mark.parametrize(
    ("catalog_uri", "folder"),
    [
        ("s3a://gifs/night/catalog.jsonl", "s3a://gifs/night/"),
        ("s3a://gifs/catalog.parquet/", "s3a://gifs/"),
        ("/data/a b%20c/catalog.csv", "/data/a b%20c/"),
        ("/catalog.csv", "/"),
        ("file:///data/a%20b/catalog.csv", "/data/a b/"),
        ("catalog.csv", ""),
    ],
)
def test_a_relative_uri_starts_in_the_catalogs_folder(catalog_uri: str, folder: str, spark: SparkSession) -> None:
    relative = ("a.gif", "sub/a b.gif", "10:30.gif", "ü#1?x=%20.gif", "a..gif", "..a/..b", "a//b.gif", "a\\b.gif")
    absolute = ("s3a://b/k ü.gif", "s3://b/k", "/abs/a.gif", "file:/x.gif", "file:///x%20y.gif", "http://h/x.gif")
    assert resolved(spark, catalog_uri, *relative, "./a.gif", ".//./a.gif", ".a.gif", *absolute) == [
        *(folder + name for name in relative),
        folder + "a.gif",
        folder + "a.gif",
        folder + ".a.gif",
        *absolute,
    ]


@pytest.mark.parametrize(
    ("catalog_uri", "uri", "place"),
    [
        ("s3a://gifs/night/catalog.jsonl", "../up.gif", "s3a://gifs/up.gif"),
        ("s3a://gifs/a/b/catalog.jsonl", "../../up ü.gif", "s3a://gifs/up ü.gif"),
        ("s3a://gifs/a/catalog.jsonl", "./x/./y/../z.gif", "s3a://gifs/a/x/z.gif"),
        ("s3a://gifs/a/catalog.jsonl", "x/../../a/../z.gif", "s3a://gifs/z.gif"),
        ("s3a://gifs/catalog.jsonl", "x/../z.gif", "s3a://gifs/z.gif"),
        ("/data/night/catalog.csv", "../up.gif", "/data/up.gif"),
        ("/data/night/../day/catalog.csv", "../up.gif", "/data/up.gif"),
        ("file:///data/a%20b/catalog.csv", "../up.gif", "/data/up.gif"),
        ("/catalog.csv", "x/../up.gif", "/up.gif"),
        ("night/catalog.csv", "../up.gif", "up.gif"),
        ("s3a://gifs/catalog.jsonl", "../up.gif", None),
        ("s3a://gifs/a/catalog.jsonl", "../../up.gif", None),
        ("s3a://gifs/a/catalog.jsonl", "../../gifs/up.gif", None),
        ("/catalog.csv", "../up.gif", None),
        ("catalog.csv", "../up.gif", None),
    ],
)
def test_dots_lead_up_from_the_catalogs_folder_and_never_out_of_it(
    catalog_uri: str, uri: str, place: str | None, spark: SparkSession
) -> None:
    rows_df = spark.createDataFrame(
        [("1", uri, None, None, None, None, None, None, None, None, None, f"row {uri}")],
        f"{READ}, {OTHERS}",
    )
    checked = check_catalog(place_rows(rows_df, catalog_uri, ["/"]), catalog_uri)
    assert [row["uri"] for row in checked.gifs_df.collect()] == [place] * (place is not None)
    assert [tuple(row) for row in checked.failures_df.collect()] == [
        ("1", "catalog", "unsupported_uri", f"the uri leads out of the catalog's bucket or file system: row {uri}")
    ] * (place is None)


SECRETS = [
    "s3a://AKIA123:se/cr+et@gifs/a.gif",
    "s3://:se/cr+et@gifs/a.gif",
    "https://me:se/cr+et@host/a.gif",
    "https://host/a.gif?X-Amz-Algorithm=x&X-Amz-Credential=AKIA123&X-Amz-Signature=se/cr+et",
    "https://host/a.gif?AWSAccessKeyId=AKIA123&Signature=se%2Fcr%2Bet&Expires=1",
    "https://host/a.gif?sv=2020&sig=se/cr+et",
    "gifs/a.gif?token=se/cr+et",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_uri_with_credentials_is_no_gif_and_is_not_repeated(secret: str, check: Check) -> None:
    gifs, failures = check("catalog.jsonl", lines({"gif_id": "a", "uri": secret, "caption": "c"}))
    assert gifs == []
    assert failures == {
        "unsupported_uri": [
            (
                "a",
                "credentials do not belong in a uri, the environment has them: (not shown: its uri holds credentials)",
            )
        ]
    }


def test_an_at_sign_or_a_question_mark_in_a_name_is_no_credential(spark: SparkSession) -> None:
    uris = ["s3a://b/user@home.gif", "a@b.gif", "/data/a:b@c.gif", "ü?x=1.gif", "tokens.gif"]
    assert len(resolved(spark, "/data/catalog.jsonl", *uris)) == len(uris)


OWN = {
    "/data/night/catalog.csv": ["a.gif", "/data/night/b.gif", "file:///data/night/a%20b+c.gif", "/data//night/./x.gif"],
    "s3a://gifs/night/catalog.csv": ["a.gif", "../up.gif", "s3://gifs/b.gif", "S3N://gifs/c.gif"],
}
OTHER = {
    "/data/night/catalog.csv": [
        "/etc/passwd",
        "file:///etc/passwd",
        "FILE:///etc/x",
        "/data/night/../x.gif",
        "/data/night2/x.gif",
        "../x.gif",
        "s3a://gifs/a.gif",
        "file:///data/night/%2e%2e/x.gif",
        "file://h/data/x.gif",
    ],
    "s3a://gifs/night/catalog.csv": ["/etc/passwd", "file:/etc/passwd", "s3a://gifs2/a.gif", "s3a://payroll/a.gif"],
}


@pytest.mark.parametrize("catalog_uri", OWN)
def test_rows_name_files_of_the_catalogs_own_place_and_of_allowed_ones_alone(
    catalog_uri: str, spark: SparkSession
) -> None:
    uris = [*OWN[catalog_uri], *OTHER[catalog_uri], "s3a://more/gifs/a.gif", "s3a://more/gifs2/a.gif", "/more/../etc/x"]
    rows = [(str(at), uri, *[None] * 9, f"row {at}") for at, uri in enumerate(uris)]
    rows_df = spark.createDataFrame(rows, f"{READ}, {OTHERS}")
    checked = check_catalog(place_rows(rows_df, catalog_uri, ["s3a://more/gifs", "/more"]), catalog_uri)
    kept = {int(row["gif_id"]) for row in checked.gifs_df.collect()}
    assert [uris[at] for at in sorted(kept)] == [*OWN[catalog_uri], "s3a://more/gifs/a.gif"]
    failures = {row["gif_id"]: row for row in checked.failures_df.collect()}
    assert {row["reason"] for row in failures.values()} == {"unsupported_uri"}
    own = "/data/night" if catalog_uri.startswith("/") else "s3a://gifs/"
    assert failures[str(len(OWN[catalog_uri]))]["message"] == (
        f"the uri leads out of {own}, where the catalog is: if the job shall read it, name its place in "
        f"frames.allowed_places: row {len(OWN[catalog_uri])}"
    )


def test_a_key_with_dots_is_no_gif_since_some_servers_follow_them(spark: SparkSession) -> None:
    rows = [("1", "s3a://gifs/x/../../payroll/y", None, None, None, None, None, None, None, None, None, "row")]
    checked = check_catalog(
        place_rows(spark.createDataFrame(rows, f"{READ}, {OTHERS}"), "s3a://gifs/catalog.csv"), "s3a://gifs/catalog.csv"
    )
    assert [row["message"] for row in checked.failures_df.collect()] == [
        "the key of the uri holds . or .. as a part: row"
    ]


def test_no_message_quotes_a_credential_wherever_it_stands(check: Check) -> None:
    signed = SECRETS[3]
    rows: list[object] = []
    for number, uri in enumerate(SECRETS[:1] + SECRETS[2:6]):
        escaped = json.dumps({"gif_id": f"d{number}", "uri": uri, "tags": "t"}, separators=(",", ":"))
        rows += [
            {"uri": uri},
            {"gif_id": f"b{number}", "caption": f"from {uri}"},
            {"gif_id": f"c{number}", "uri": uri, "tags": "no list"},
            escaped.replace("/", "\\/"),
            f"no json {uri}",
            {"gif_id": "same", "uri": uri},
            {"pad": "x" * 120, "uri": uri},
        ]
    rows.append({"gif_id": "long", "caption": signed + "0" * 5000})
    gifs, failures = check("catalog.jsonl", lines(*rows))
    said = [message for found in failures.values() for _, message in found]
    assert gifs == [] and len(said) == len(rows)
    assert [message for message in said if re.search("cr.{1,3}et|AKIA123", message)] == []
    assert "no uri in: " + json.dumps({"gif_id": "b1", "caption": "from https://...@host/a.gif"}) in said


def test_rows_without_an_id_do_not_meet_in_one_task(spark: SparkSession) -> None:
    rows_df = spark.range(2000).selectExpr(
        "nullif(string(id % 1), '0') gif_id", "'x' uri", "array('t') tags", "array('t') editorial_tags", "'c' caption",
        "1 popularity", "'v' version", "'u' uploader", "array('r') renditions", "cast(null as string) wrong",
        "cast(null as string) problem", "concat('row ', id) raw",
    )  # fmt: skip
    before = spark.conf.get("spark.sql.adaptive.enabled")
    spark.conf.set("spark.sql.adaptive.enabled", "false")  # it would join small partitions
    try:
        failures_df = check_catalog(place_rows(rows_df, "/c.csv"), "/c.csv").failures_df
        sizes = failures_df.rdd.mapPartitions(lambda rows: [len(list(rows))]).collect()
    finally:
        spark.conf.set("spark.sql.adaptive.enabled", str(before))
    assert sum(sizes) == 2000 and max(sizes) < 1500


def test_an_unreadable_row_does_not_shadow_the_gif_of_that_name(check: Check) -> None:
    gifs, failures = check("catalog.jsonl", lines("cat", {"gif_id": "cat", "uri": "x"}))
    assert [row[0] for row in gifs] == ["cat"]
    assert list(failures) == ["unreadable_row"]


CSV = """uri,gif_id,tags,caption,popularity
x.gif,a,cat| dog ,"hi, ""you""
there",5
y.gif,b
,c,x
z.gif,,x
q.gif,d,"[""a|b"", ""c""]",,many
q.gif,e,"[""a"", 1]"
q.gif,f,[cat
q.gif,g,cat,hello, world,5

q.gif,h,"cat",'quoted',7
q.gif,h,dog,,
"""


def test_a_csv_file_with_its_header_in_another_order(check: Check) -> None:
    gifs, failures = check("catalog.csv", CSV)
    assert gifs == [
        ("a", "x.gif", ["cat", "dog"], [], 'hi, "you"\nthere', 5, None),
        ("b", "y.gif", [], [], None, 0, None),
        ("d", "q.gif", ["a|b", "c"], [], None, 0, None),
        ("h", "q.gif", ["cat"], [], "'quoted'", 7, None),
    ]
    assert {reason: [row[0] for row in rows] for reason, rows in failures.items()} == {
        "missing_uri": ["c"],
        "missing_gif_id": [None],
        "invalid_tags": ["e", "f"],
        "unreadable_row": ["g"],
        "duplicate_gif_id": ["h"],
    }


def test_csv_with_byte_order_mark_line_ends_of_windows_and_spaces_in_the_header(check: Check) -> None:
    gifs, failures = check("catalog.csv", codecs.BOM_UTF8 + "gif_id, uri ,tags\r\na,x,kött\r\nb,y,\r\n".encode())
    assert [row[:3] for row in gifs] == [("a", "x", ["kött"]), ("b", "y", [])]
    assert failures == {}


@pytest.mark.parametrize("separator", ["|", ",", "\\", "\\E|"])
def test_tags_of_a_csv_cell_are_split_at_the_separator_as_it_is_written(separator: str, check: Check) -> None:
    gifs, _ = check("catalog.csv", f'gif_id,uri,tags\na,x,"cat{separator}dog"\n', separator=separator)
    assert gifs[0][2] == ["cat", "dog"]


@pytest.mark.parametrize("column", ["tags", "caption"])
def test_rows_swallowed_by_a_quote_that_never_ends_are_not_lost_in_silence(column: str, check: Check) -> None:
    gifs, failures = check("catalog.csv", f'gif_id,uri,{column}\nz,u,fine\na,x,"cat\nb,y,dog\nc,z,fish\n')
    assert [row[0] for row in gifs] == ["z"]
    assert [row[1] for row in failures["unreadable_row"]] == [
        'a quote is wrong (unexpected end of data): a,x,"cat\nb,y,dog\nc,z,fish'
    ]


def test_a_parquet_file(check: Check) -> None:
    table = pa.table(
        {
            "gif_id": ["a", "a", None, "c", "d"],
            "uri": ["x", "w", "y", None, "z"],
            "tags": pa.array([["t", None, " u "], ["best"], [], ["x"], None], pa.list_(pa.string())),
            "popularity": ["1", "many", None, "2.5", "-1"],
            "pixels": [b"\0" * 1000] * 5,
        }
    )
    gifs, failures = check("catalog.parquet", table)
    assert gifs == [("a", "w", ["best"], [], None, 0, None), ("d", "z", [], [], None, 0, None)]
    assert failures == {
        "missing_gif_id": [(None, 'no gif_id in: {"uri":"y","tags":[]}')],
        "duplicate_gif_id": [
            ("a", 'another row has this gif_id: {"gif_id":"a","uri":"x","tags":["t",null," u "],"popularity":1}')
        ],
        "missing_uri": [("c", 'no uri in: {"gif_id":"c","tags":["x"],"popularity":2}')],
    }


def test_parquet_numbers_are_ids_and_popularities_as_far_as_they_can_be(check: Check) -> None:
    table = pa.table({"gif_id": [1, 2, 3], "uri": ["x"] * 3, "popularity": [2.7, float("nan"), 1e300]})
    gifs, _ = check("catalog.parquet", table)
    assert [(row[0], row[5]) for row in gifs] == [("1", 2), ("2", 0), ("3", 0)]


@pytest.mark.parametrize(
    ("column", "values", "wrong"),
    [
        ("tags", ["cat"], "column tags is string; it must be list<string>"),
        ("editorial_tags", [[1]], "column editorial_tags is list<element: int64>; it must be list<string>"),
        ("gif_id", [["a"]], "column gif_id is list<element: string>; it must be string or integer"),
        ("popularity", [{"views": 1}], "column popularity is struct<views: int64>; it must be int64"),
    ],
)
def test_a_parquet_column_of_the_wrong_type_is_named(
    column: str, values: list[object], wrong: str, check: Check
) -> None:
    assert refusal(check, "catalog.parquet", pa.table({"gif_id": ["a"], "uri": ["x"]} | {column: values})).endswith(
        wrong
    )


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("catalog.txt", "x", "the suffix must be .jsonl"),
        ("catalog.parquet.gz", "x", "the suffix must be .jsonl"),
        ("catalog", "x", "the suffix must be .jsonl"),
        ("catalog.csv", "id,uri\na,b\n", "column gif_id missing; it has id, uri"),
        ("catalog.csv", "gif_id,uri,uri\na,b,c\n", "column uri is there 2 times: 'uri', 'uri'"),
        ("catalog.parquet", "hello", "cannot be read: "),
        ("catalog.parquet", pa.table({"id": ["a"]}), "column gif_id and uri missing; it has id"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused_in_one_line(name: str, content: object, said: str, check: Check) -> None:
    assert said in refusal(check, name, content)


def test_a_file_that_is_not_there_is_refused_in_one_line(spark: SparkSession, tmp_path: Path) -> None:
    for suffix in ("jsonl", "csv", "parquet"):
        assert "there is no such file" in refusal(read_catalog, spark, f"{tmp_path}/absent.{suffix}", "|")
    assert "there is no such file" in refusal(read_ids, spark, f"{tmp_path}/absent.txt")


@pytest.mark.parametrize("name", ["a.JSONL", "_a.ndjson", "a b.json", "a[1]{x}*?.jsonl", "%20ü'`.jsonl", "a.json.gz"])
def test_a_catalog_is_found_under_any_name(name: str, check: Check) -> None:
    content = lines({"gif_id": "a", "uri": "x"}).encode()
    gifs, _ = check(name, gzip.compress(content) if name.endswith("gz") else content)
    assert [row[:2] for row in gifs] == [("a", "x")]


def test_a_folder_of_parts_is_one_catalog(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "catalog.jsonl"
    folder.mkdir()
    for number in range(2):
        (folder / f"part-{number}").write_text(lines({"gif_id": str(number), "uri": "x"}))
    (folder / "_SUCCESS").touch()
    rows_df = read_catalog(spark, f"{folder}/", "|")
    gifs_df = check_catalog(place_rows(rows_df, f"{folder}/"), f"{folder}/").gifs_df
    assert [row["uri"] for row in gifs_df.collect()] == [f"{tmp_path}/x"] * 2


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(random.Random(7).randbytes(50_000), mtime=0)[:20_000]])
def test_a_damaged_gzip_file_is_refused_by_its_name(content: bytes, check: Check) -> None:
    assert "catalog.jsonl.gz: cannot be read: " in refusal(check, "catalog.jsonl.gz", content)


def splits(spark: SparkSession, validation: list[str] | None, test: list[str] | None) -> dict[str, str]:
    gifs_df = spark.createDataFrame(
        [
            (gif_id, "x", ["t"], editorial, None, 0, None, "u", [])
            for gif_id, editorial in (("a", ["e"]), ("b", []), ("c", ["e"]))
        ],
        f"{READ}, version string, uploader string, renditions array<string>",
    )
    lists = [
        None if ids is None else spark.createDataFrame([(i,) for i in ids], "gif_id string")
        for ids in (validation, test)
    ]
    return {row["gif_id"]: row["split"] for row in assign_splits(gifs_df, *lists).collect()}


def test_gifs_with_editorial_tags_are_validation_and_all_others_train(spark: SparkSession) -> None:
    assert splits(spark, None, None) == {"a": "validation", "b": "train", "c": "validation"}


def test_a_validation_list_takes_the_place_of_editorial_tags(spark: SparkSession) -> None:
    assert splits(spark, ["b", "unknown"], None) == {"a": "train", "b": "validation", "c": "train"}
    assert splits(spark, [], None) == {"a": "train", "b": "train", "c": "train"}


def test_a_reviewed_gif_is_test_whatever_else_it_is(spark: SparkSession) -> None:
    assert splits(spark, None, ["a", "a"]) == {"a": "test", "b": "train", "c": "validation"}
    assert splits(spark, ["a", "b", "b"], ["a"]) == {"a": "test", "b": "validation", "c": "train"}


def test_an_id_list_is_one_trimmed_id_a_line(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "reviewed[1].txt").write_bytes(codecs.BOM_UTF8 + b" a \r\n\r\n\tb\nc d\n \n")
    assert [row["gif_id"] for row in read_ids(spark, f"{tmp_path}/reviewed[1].txt").collect()] == ["a", "b", "c d"]
