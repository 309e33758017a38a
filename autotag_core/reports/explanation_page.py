"""Why a GIF has its tags, as a page: the GIF, its frames and its neighbors playing, and a sentence for each tag."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autotag_core.reports.explanation import Explanation
from autotag_core.reports.gif_thumbnails import read_parts, read_stills, read_thumbnails
from autotag_core.reports.page_parts import head, text_of
from autotag_core.reports.page_style import STYLE
from autotag_core.reports.section_parts import figure, figures, section, table
from autotag_core.reports.tag_reasons import LEAST_SAID, became, chance, is_worth_saying, likeliest_first, sentence

_SHOWN_NEIGHBORS = 10
"""Of each expert: as many as vote by default."""


def explanation_page(warehouse: str, found: Explanation) -> Iterator[str]:
    """The page as HTML, in parts. Pictures are those that the release's night could read."""
    gif_id, release = found.gif["gif_id"], found.release
    nearest = [gif_id, *(one for row in found.neighbors for one in row["neighbor_ids"][:_SHOWN_NEIGHBORS])]
    pictures = read_thumbnails(warehouse, release, nearest)
    yield head("autotag, why a GIF has its tags", STYLE)
    caption = f"{text_of(found.gif['caption'] or '')}<br><small>{text_of(found.gif['uri'])}</small>"
    yield f"<header><h1>{text_of(gif_id)}</h1>{figures([figure(gif_id, pictures.get(gif_id), caption)])}</header>"
    tags = likeliest_first(found)
    said = [row for row in tags if is_worth_saying(row)]
    body = _tag_table(found, said)
    if rest := [row for row in tags if not is_worth_saying(row)]:
        body += f"<details><summary>{len(rest)} more, less than {LEAST_SAID:.0%} likely</summary>"
        body += f"{_tag_table(found, rest)}</details>"
    yield section("tags", "Tags", f"Likeliest first, by run {release.run_id}.", body)
    stills = read_stills(warehouse, release, gif_id)
    parts = (f'<figure><img src="{still}" alt="frame {number}"></figure>' for number, still in enumerate(stills, 1))
    yield section("frames", "Frames", "Some of what the experts look at, in order.", figures(parts))
    if found.people:
        yield _people(warehouse, found)
    for row in found.neighbors:
        yield _neighbors(found, row, pictures)
    yield "</body></html>\n"


def _tag_table(found: Explanation, rows: list[dict[str, Any]]) -> str:
    cells = ([chance(row), f"<b>{text_of(row['tag'])}</b>", became(row), text_of(sentence(found, row))] for row in rows)
    return table(["#likely", "tag", "became", "why"], cells)


def _people(warehouse: str, found: Explanation) -> str:
    """Each person's face in the frame that shows it best, with the name and how sure that is."""
    spots = [(row["best_frame"], _widened(row["box"])) for row in found.people]
    faces = read_parts(warehouse, found.release, found.gif["gif_id"], spots)
    parts = []
    for row, face in zip(found.people, faces, strict=True):
        name = f"<b>{text_of(row['name'])}</b> {row['probability']:.0%}" if row["known"] else "unknown"
        shown = f'<img src="{face}" alt="face">' if face else '<div class="none">not shown</div>'
        parts.append(
            f"<figure>{shown}<figcaption>{name}<br><small>in {row['num_frames']} frames</small></figcaption></figure>"
        )
    return section(
        "people", "People", "From their faces. Names are no tags: search has a field of its own.", figures(parts)
    )


def _widened(box: list[float]) -> tuple[float, ...]:
    """Left, top, right, bottom of a face with a quarter of its sides around it."""
    left, top, right, bottom = box
    more_x, more_y = (right - left) / 4, (bottom - top) / 4
    return left - more_x, top - more_y, right + more_x, bottom + more_y


def _neighbors(found: Explanation, row: dict[str, Any], pictures: dict[str, Any]) -> str:
    """An expert's nearest GIFs with their tags; those that the GIF itself has are bold."""
    own = {tag["tag"] for tag in found.voted_tags if tag["source"] not in ("proposed", "refused")}
    parts = []
    for gif_id, distance in list(zip(row["neighbor_ids"], row["distances"], strict=True))[:_SHOWN_NEIGHBORS]:
        tags = found.neighbor_tags.get(gif_id, [])
        said = ", ".join(f"<b>{text_of(tag)}</b>" if tag in own else text_of(tag) for tag in tags)
        caption = f"{said or 'no tags'}<br><small>{text_of(gif_id)}, distance {distance:.2f}</small>"
        parts.append(figure(gif_id, pictures.get(gif_id), caption))
    name = text_of(row["expert"])
    return section(f"expert-{name}", f"Nearest by {name}", "Tags in bold are tags of this GIF too.", figures(parts))
