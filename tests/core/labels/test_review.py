"""The review file opens in a spreadsheet, and comes back as an editor's word or as a list of what is inconsistent."""

from __future__ import annotations

import csv
import io

import pytest

from autotag_core.errors import InputError
from autotag_core.labels import Label, LabelNotes, read_review, review_file

CAT, DOG = Label("cat", ("caat", "cat", "kitty"), 9, "grouped"), Label("dog", ("dog",), 4, "grouped")
NUM_GIFS = {"cat": 6, "kitty": 3, "caat": 1, "dog": 4}
MEMBERS = {"cat": CAT.members, "dog": DOG.members}
FILE = review_file([CAT, DOG], NUM_GIFS, {"cat": LabelNotes(("g1", "=g2"), "kitty: meaning 0.84")})


def filled(*rows: dict[str, str], delimiter: str = ",") -> bytes:
    """The file as an editor saves it: his cells by label; an unknown label is a new row."""
    reader = csv.DictReader(io.StringIO(FILE.decode("utf-8-sig"), newline=""))
    lines = {line["label"]: line for line in reader}
    for row in rows:
        lines.setdefault(row["label"], {}).update(row)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, reader.fieldnames or [], restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines.values())
    return out.getvalue().encode("utf-8-sig")


def edits(*rows: dict[str, str], delimiter: str = ",") -> dict[str, str | None]:
    return read_review(filled(*rows, delimiter=delimiter), "review.csv", MEMBERS, NUM_GIFS)


def test_the_file_has_a_byte_order_mark_and_members_by_gifs_and_no_formula() -> None:
    assert FILE.startswith(b"\xef\xbb\xbflabel,members,GIFs,example gif_ids,why,keep,rename,add,move member\r\n")
    assert b"cat,cat | kitty | caat,9,g1 =g2,kitty: meaning 0.84,,,," in FILE
    assert b",'=g," in review_file([CAT], {}, {"cat": LabelNotes(("=g",))})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"label": "cat"}, {}),
        ({"label": "dog", "keep": "Yes"}, {"dog": "dog"}),
        ({"label": "cat", "keep": "no"}, {"cat": None, "kitty": None, "caat": None}),
        ({"label": "dog", "rename": "dogs"}, {"dog": "dogs"}),
        ({"label": "dog", "add": "Hound | pup!"}, {"hound": "dog", "pup": "dog"}),
        ({"label": "cat", "move member": "kitty -> dog"}, {"kitty": "dog"}),
        ({"label": "fish", "add": "fish|trout"}, {"fish": "fish", "trout": "fish"}),
        ({"label": "cat", "move member": "cat -> dog"}, {"cat": "dog", "kitty": "cat", "caat": "cat"}),
    ],
)
def test_a_cell_is_the_editors_word(row: dict[str, str], said: dict[str, str | None]) -> None:
    assert edits(row) == said
    assert edits(row, delimiter=";") == said


def test_a_member_moves_to_a_label_under_its_new_name_or_its_old() -> None:
    for target in ("hound", "dog"):
        said = edits({"label": "cat", "move member": f"kitty -> {target}"}, {"label": "dog", "rename": "hound"})
        assert said == {"kitty": "hound", "dog": "hound"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"label": "dog", "keep": "maybe"}, "line 3: keep is 'maybe'; it must be yes, no or empty"),
        ({"label": "dog", "keep": "no", "rename": "x"}, "line 3: keep is no, so 'dog' can't be renamed"),
        ({"label": "dog", "rename": "Dogs!"}, "line 3: rename is 'Dogs!'; a label is written like a tag: 'dogs'"),
        ({"label": "dog", "rename": "cat"}, "line 3: 'cat' is the name of label 'cat': to join the two, move"),
        ({"label": "dog", "add": "kitty"}, "line 3: 'kitty' is a member of 'cat': move it there"),
        ({"label": "dog", "add": "dog"}, "line 3: 'dog' is a member of 'dog' already"),
        ({"label": "dog", "add": "!!!"}, "line 3: add is '!!!', of which no tag is left"),
        ({"label": "dog", "move member": "kitty -> cat"}, "line 3: 'kitty' is no member of 'dog'"),
        ({"label": "cat", "move member": "kitty -> bird"}, "line 2: there is no label 'bird' to move 'kitty' to"),
        ({"label": "cat", "move member": "kitty"}, "line 2: move member is 'kitty'; it must be like: kitty -> cat"),
        ({"label": "cat", "move member": "kitty -> dog | kitty -> dog"}, "line 2: 'kitty' is moved twice"),
        ({"label": "cat", "members": "cat"}, "line 2: the members of 'cat' are not as they were built"),
        ({"label": "fish"}, "line 4: the new label 'fish' has no members"),
        ({"label": "Fish", "add": "fish"}, "line 4: a new label must be written like a tag: 'fish' instead of 'Fish'"),
        ({"label": "fish", "members": "fish"}, "line 4: there is no label 'fish': was it built anew since?"),
    ],
)
def test_what_is_inconsistent_is_named_with_its_line(row: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError) as raised:
        edits(row)
    assert problem in str(raised.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InputError, match=r"nothing was applied; line 2: .*; line 3: .*decided on twice"):
        edits({"label": "cat", "keep": "?", "add": "pet"}, {"label": "dog", "add": "pet"})


def test_no_csv_of_labels_is_refused() -> None:
    with pytest.raises(InputError, match="line 1: column members, GIFs"):
        read_review(b"label,keep\ncat,yes\n", "x.csv", MEMBERS, NUM_GIFS)
    with pytest.raises(InputError, match="not UTF-8 at byte 0"):
        read_review(b"\xff\xfe", "x.csv", MEMBERS, NUM_GIFS)
