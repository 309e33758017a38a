"""`autotag related` and `autotag related-evaluate` as they are called."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from autotag_core.tables import RELATED_TAGS
from autotag_core.warehouse import RunRecord, append_run, table_uri
from jobs.commands.app import main

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_what_is_related_is_printed_and_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = str(tmp_path)
    rows = [{"tag": "cat", "related": ["kitty"], "similarities": [0.5]}]
    write_deltalake(table_uri(uri, "related_tags"), pa.Table.from_pylist(rows, schema=RELATED_TAGS.plain_schema))
    append_run(uri, RunRecord("r1", NOW, NOW, "published", release_of="r1", table_versions={"related_tags": 0}))
    assert called(capsys, "related", "cat", "--warehouse", uri) == (0, "cat\n   0.500  kitty\n", "")
    for arguments, said in [
        (("related", "dog", "--warehouse", uri), "nothing is related to the tag 'dog'"),
        (("related", "cat", "--warehouse", uri, "--gif"), "run r1 has no table related_gifs"),
        (("related", "cat", "--warehouse", uri, "--gif", "--search"), "--gif and --search: one at a time"),
        (("related-evaluate", "--warehouse", uri, "--sessions", f"{uri}/no.jsonl"), "no.jsonl: there is no"),
        (("related-evaluate", "--warehouse", uri, "--sessions", "x", "--held-out", "1"), "--held-out 1.0: a share"),
    ]:
        code, out, err = called(capsys, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
