"""The review file: labels as a spreadsheet for an editor, and what they wrote into it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autotag_core.errors import InputError
from autotag_core.labels.steps.vocabulary import Label
from autotag_core.labels.words.normalise import normalise

COLUMNS = ("label", "members", "GIFs", "example gif_ids", "why", "keep", "rename", "add", "move member")
_BY_PROGRAM, _BY_EDITOR = COLUMNS[:5], COLUMNS[5:]
_MAX_MEMBERS = 40
_SEPARATOR = " | "
_YES, _NO = ("yes", "y", "x", "1"), ("no", "n", "0")


@dataclass(frozen=True)
class LabelNotes:
    """What the file says of a label besides its members: example GIFs, and why words were grouped."""

    examples: tuple[str, ...] = ()
    why: str = ""


def review_file(labels: Iterable[Label], num_gifs: Mapping[str, int], notes: Mapping[str, LabelNotes]) -> bytes:
    """CSV in UTF-8 with a byte order mark, which tells spreadsheets the encoding. The editor's columns are empty.

    Members are ordered by GIFs, the most common first, at most 40. A cell that a spreadsheet would take for a formula
    gets a '.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for label in labels:
        note = notes.get(label.label, LabelNotes())
        cells = [label.label, members_cell(label.members, num_gifs), label.num_gifs, " ".join(note.examples), note.why]
        writer.writerow([_inert(cell) for cell in cells] + [""] * len(_BY_EDITOR))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def members_cell(members: Iterable[str], num_gifs: Mapping[str, int]) -> str:
    """The members as the file shows them."""
    ordered = sorted(members, key=lambda tag: (-num_gifs.get(tag, 0), tag))
    more = [f"... and {len(ordered) - _MAX_MEMBERS} more"] if len(ordered) > _MAX_MEMBERS else []
    return _SEPARATOR.join(ordered[:_MAX_MEMBERS] + more)


def _inert(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell


@dataclass
class _Row:
    """A row of the file: its text by column, and its line."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def several(self, column: str) -> list[str]:
        """The texts between | or line breaks."""
        parts = self.cells[column].replace("\n", "|").replace(";", "|").split("|")
        return [part.strip() for part in parts if part.strip()]


@dataclass
class _Review:
    """The edits so far, and the problems."""

    members: dict[str, frozenset[str]]
    edits: dict[str, str | None] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    names: dict[str, str | None] = field(default_factory=dict)
    """By label, its name after the review. None where it is not kept."""
    said: dict[str, int] = field(default_factory=dict)
    """By tag, the line that decides on it."""

    def wrong(self, row: _Row, problem: str) -> None:
        """Add one problem."""
        self.problems.append((row.line, problem))

    def decide(self, row: _Row, tag: str, label: str | None) -> None:
        """Record the editor's decision on a tag; a second one is a problem."""
        if tag in self.said and self.edits[tag] != label:
            where = "the same line" if self.said[tag] == row.line else f"line {self.said[tag]}"
            self.wrong(row, f"{tag!r} is decided on twice, here and on {where}: keep one")
            return
        self.edits[tag], self.said[tag] = label, row.line


def read_review(
    data: bytes, name: str, members: Mapping[str, Sequence[str]], num_gifs: Mapping[str, int]
) -> dict[str, str | None]:
    """The editor's label of each tag that the file decides on, None for tags that they take out.

    `members` are the labels as they are. A row without an entry by the editor decides nothing. keep=yes leaves all
    members where they are, keep=no takes them out, rename gives them a new name. add (between |) brings tags here that
    no other label holds. `member -> other label` moves a member. A new label is a new row with `label` and `add`.
    InputError lists every inconsistency with its line; then nothing of the file counts.
    """
    rows = _parse(data, name)
    review = _Review({label: frozenset(tags) for label, tags in members.items()})
    _check_rows(review, rows, num_gifs)
    for row in rows:
        _name(review, row)
    for row in rows:
        _edit(review, row)
    if review.problems:
        problems = "; ".join(f"line {line}: {problem}" for line, problem in sorted(review.problems))
        raise InputError(f"{name}: nothing was applied; {problems}")
    return review.edits


def _parse(data: bytes, name: str) -> list[_Row]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 at byte {error.start}: save it as CSV UTF-8") from None
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise InputError(f"{name}: line 1: column {', '.join(missing)} missing; it must have {', '.join(COLUMNS)}")
    rows = []
    start = 2
    for cells in reader:
        plain = {column: _plain(cells[column]) for column in COLUMNS}
        if any(plain.values()):
            rows.append(_Row(start, plain))
        start = reader.line_num + 1
    return rows


def _plain(cell: str | None) -> str:
    text = (cell or "").strip()
    return text[1:] if text.startswith("'") else text


def _check_rows(review: _Review, rows: Sequence[_Row], num_gifs: Mapping[str, int]) -> None:
    lines: dict[str, int] = {}
    for row in rows:
        label = row["label"]
        if not label:
            review.wrong(row, "no label; a new one needs its name in the column label")
            continue
        if label in lines:
            review.wrong(row, f"label {label!r} stands on line {lines[label]} too")
        lines.setdefault(label, row.line)
        if row["keep"] and row["keep"].lower() not in _YES + _NO:
            review.wrong(row, f"keep is {row['keep']!r}; it must be yes, no or empty")
        if label in review.members:
            if row["members"] != members_cell(review.members[label], num_gifs):
                review.wrong(
                    row, f"the members of {label!r} are not as they were built: use add or move member instead"
                )
        elif row["members"]:
            review.wrong(
                row, f"there is no label {label!r}: was it built anew since? Make a new file with labels build"
            )
        elif normalise(label) != label:
            review.wrong(row, f"a new label must be written like a tag: {normalise(label)!r} instead of {label!r}")


def _name(review: _Review, row: _Row) -> None:
    """Record the name of the row's label from now on."""
    label, new = row["label"], row["rename"]
    is_out = row["keep"].lower() in _NO
    if is_out and (new or row["add"]):
        review.wrong(row, f"keep is no, so {label!r} can't be renamed or added to")
    if new and normalise(new) != new:
        review.wrong(row, f"rename is {new!r}; a label is written like a tag: {normalise(new)!r}")
    review.names[label] = None if is_out else new or label


def _edit(review: _Review, row: _Row) -> None:
    label = row["label"]
    name = review.names.get(label)
    own = review.members.get(label, frozenset())
    taken = [other for other, called in review.names.items() if called == name and other != label]
    unlisted = name in review.members and name not in review.names and name != label
    if name and (taken or unlisted):
        other = taken[0] if taken else name
        review.wrong(row, f"{name!r} is the name of label {other!r}: to join the two, move the members of one")
    moved = _moves(review, row, own)
    for tag, target in moved.items():
        review.decide(row, tag, target)
    for tag in _added(review, row, own):
        review.decide(row, tag, name)
    if not own and not row["add"] and label not in review.members:
        review.wrong(row, f"the new label {label!r} has no members: name them in add")
    if row["keep"] or row["rename"] or label in moved:  # the word that names the label leaves, the others stay
        for tag in sorted(own - moved.keys()):
            review.decide(row, tag, name)


def _moves(review: _Review, row: _Row, own: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in row.several("move member"):
        tag, arrow, target = (part.strip() for part in text.partition("->"))
        if not arrow or not tag or not target:
            review.wrong(row, f"move member is {text!r}; it must be like: kitty -> cat")
        elif tag not in own:
            review.wrong(row, f"{tag!r} is no member of {row['label']!r}")
        elif tag in found:
            review.wrong(row, f"{tag!r} is moved twice")
        else:
            called = _target(review, target)
            if called is None:
                review.wrong(row, f"there is no label {target!r} to move {tag!r} to")
            else:
                found[tag] = called
    return found


def _target(review: _Review, target: str) -> str | None:
    """The name, after the review, of the label that had or gets the name `target`. None where there is none."""
    if target in review.names.values():
        return target
    return review.names.get(target, target if target in review.members else None)


def _added(review: _Review, row: _Row, own: frozenset[str]) -> list[str]:
    found = []
    for text in row.several("add"):
        tag = normalise(text)
        owner = next((label for label, members in review.members.items() if tag in members), None)
        if tag is None:
            review.wrong(row, f"add is {text!r}, of which no tag is left without punctuation")
        elif tag in own:
            review.wrong(row, f"{tag!r} is a member of {row['label']!r} already")
        elif owner is not None and review.names.get(owner, owner) is not None:
            review.wrong(row, f"{tag!r} is a member of {owner!r}: move it there, in the row of {owner!r}")
        else:
            found.append(tag)
    return found
