"""The list of what never comes up."""

from __future__ import annotations

import pytest

from autotag_core.errors import InputError
from autotag_core.search.never import Never, read_never


def test_a_line_is_a_tag_or_a_person_and_case_spaces_and_comments_do_not_count(tmp_path):
    file = tmp_path / "never.txt"
    file.write_text("# ours\nClown\n  scary   clown # both\nperson: Ann  Smith\n\nclown\n")
    assert read_never(str(file)) == Never(("clown", "scary clown"), ("ann smith",))
    assert read_never(None) == Never()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# nothing\n", "0 tags and people, it must be 1 to 1000"),
        ("\n".join(map(str, range(1001))).encode(), "1001 tags and people"),
        (b"person:\n", "person: without a name"),
        (b"\xff\xfe", "must be UTF-8"),
    ],
)
def test_a_list_that_can_not_be_meant_is_refused_in_a_line(tmp_path, content, message):
    file = tmp_path / "never.txt"
    file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_never(str(file))
