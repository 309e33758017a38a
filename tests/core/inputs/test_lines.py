r"""Lines of a file: each once, whole, whichever part it begins in; a huge one is cut and never held."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from autotag_core.inputs import Part, lines
from autotag_core.inputs.lines import read_lines


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of more than 10 bytes are too long, 4 bytes of them are kept."""
    monkeypatch.setattr(lines, "MAX_ROW_BYTES", 10)
    monkeypatch.setattr(lines, "SHOWN_BYTES", 4)


def test_every_line_is_read_once_however_the_file_is_cut(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(7)
    path = tmp_path / "lines.txt"
    for _ in range(200):
        pieces = [b"a", b"bb", b'"', b"\n", b"\r", b"\r\n", b"", b"c" * draw.randrange(30)]
        content = b"".join(draw.choices(pieces, k=draw.randrange(60)))
        path.write_bytes(content)
        monkeypatch.setattr(lines, "_CHUNK", draw.choice([1, 2, 3, 7, 50]))
        size = draw.choice([1, 2, 5, 13, 100])
        found = [
            (line.text, line.num_bytes, line.is_cut, line.num_quotes)
            for start in range(0, len(content), size)
            for line in read_lines(Part(str(path), "lines", start, min(start + size, len(content))))
        ]
        assert found == [
            (line, len(line), False, 0) if len(line) <= 10 else (line[:4], len(line), True, line.count(b'"'))
            for line in content.splitlines(keepends=True)
        ]


def test_compressed_text_of_several_members_is_one_text(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\n"))
    assert [line.text for line in read_lines(Part(str(path), "lines", 0, 2**62))] == [b"a\n", b"bc\n"]
