"""What differs between two releases, as lines for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autotag_core.reports.diff.release_diff import Changed, ReleaseDiff, TagChange, TagState
from autotag_core.reports.page_parts import head, text_of
from autotag_core.reports.page_style import STYLE
from autotag_core.reports.section_parts import section, table
from autotag_core.terminal import shown_lines


def as_text(found: ReleaseDiff) -> str:
    """The differences as lines for people."""
    lines = [_title(found)]
    for name, changes in _of_runs(found):
        lines += ["", f"{name}:", *(f"  {one.name}: {_value(one.before)} -> {_value(one.after)}" for one in changes)]
    if found.catalog is not None:
        lines += ["", f"catalog: {_catalog(found)}"]
    lines += ["", _gains(found)]
    lines += [f"  {num:>9,}  {reason}" for reason, num in found.reasons.items()]
    if found.tags:
        lines += ["", f"  {'gained':>9} {'lost':>9}  tag"]
        lines += [f"  {one.gained:>9,} {one.lost:>9,}  {one.tag}" for one in found.tags]
    if found.examples:
        lines += ["", "examples:"]
        lines += [f"  {_sign(one)} {one.gif_id}  {one.tag}: {one.reason}; {_evidence(one)}" for one in found.examples]
    return shown_lines(lines)


def diff_page(found: ReleaseDiff) -> Iterator[str]:
    """The same as a page in parts: no script, nothing from elsewhere, texts of uploaders as text."""
    yield head("autotag, what differs between two runs", STYLE)
    yield f"<header><h1>{text_of(_title(found))}</h1></header>"
    for name, changes in _of_runs(found):
        rows = ([text_of(one.name), text_of(_value(one.before)), text_of(_value(one.after))] for one in changes)
        yield section(name, name.capitalize(), "", table([name, "before", "after"], rows))
    lead = "" if found.catalog is None else f"Catalog: {_catalog(found)}."
    reasons = table(["#tags of GIFs", "why"], ([f"{num:,}", reason] for reason, num in found.reasons.items()))
    yield section("reasons", _gains(found), lead, reasons)
    rows = ([text_of(one.tag), f"{one.gained:,}", f"{one.lost:,}"] for one in found.tags)
    yield section("tags", "Tags that changed most", "", table(["tag", "#gained", "#lost"], rows))
    cells = (
        [text_of(one.gif_id), f"{_sign(one)} {text_of(one.tag)}", one.reason, text_of(_evidence(one))]
        for one in found.examples
    )
    lead = "Of each reason, on the GIFs that most people see."
    yield section("examples", "Examples", lead, table(["GIF", "tag", "why", "evidence"], cells))
    yield "</body></html>\n"


def _title(found: ReleaseDiff) -> str:
    asked = f", {found.asked} alone" if found.asked else ""
    return f"from run {found.runs[0]} to run {found.runs[1]}{asked}"


def _of_runs(found: ReleaseDiff) -> list[tuple[str, Sequence[Changed]]]:
    named = (("settings", found.settings), ("models", found.models), ("weights", found.weights))
    return [(name, changes) for name, changes in named if changes]


def _value(value: str | None) -> str:
    return "-" if value is None else value


def _catalog(found: ReleaseDiff) -> str:
    assert found.catalog is not None
    one = found.catalog
    return (
        f"{one.before:,} GIFs before, {one.after:,} now; {one.new:,} new, {one.gone:,} gone, {one.retagged:,} with "
        "other tags of their own"
    )


def _gains(found: ReleaseDiff) -> str:
    return f"{found.num_gained:,} tags of GIFs gained, {found.num_lost:,} lost"


def _sign(one: TagChange) -> str:
    return "+" if one.change == "gained" else "-"


def _evidence(one: TagChange) -> str:
    return f"{_state(one.before)} -> {_state(one.after)}"


def _state(state: TagState | None) -> str:
    if state is None:
        return "no row"
    chance = "" if state.probability is None else f" {state.probability:.0%}"
    votes = ", ".join(f"{num} {expert}" for expert, num in sorted(state.votes.items()))
    return f"{state.source}{chance} ({votes or 'no votes'})"
