"""`autotag sample`: a drawn catalog whose truth is known."""

from __future__ import annotations

from typing import Annotated

import typer

from autotag_core.errors import InputError
from jobs.commands.options import checked_uri
from jobs.commands.output import say

Out = Annotated[
    str, typer.Option(help="Folder to write to: s3a://bucket/prefix or a local path.", callback=checked_uri)
]


def sample(  # noqa: PLR0913, PLR0917 - one option each
    out: Out,
    gifs: Annotated[int, typer.Option(min=1, help="How many GIFs.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 7,
    broken: Annotated[int, typer.Option(min=0, help="How many broken rows and files of different kinds to add.")] = 0,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of GIFs to add as copies, by other uploaders, of drawn ones.")
    ] = 0.0,
    messy: Annotated[
        float, typer.Option(min=0, max=1, help="Share of tags to write in other ways; also adds names and words.")
    ] = 0.0,
    wrong: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Which wrong tags: uniform (any tag), by-use (used ones), meaningless, mixed (half by use, half any). "
            "Without it: any tags and meaningless ones.",
        ),
    ] = None,
    tags_per_gif: Annotated[
        float | None, typer.Option(min=1, help="True tags a GIF, mean; without it all that fit, 6 of them.")
    ] = None,
    vocabulary: Annotated[
        int | None, typer.Option(min=1, help="Distinct true tags; without it the 83 plain ones.")
    ] = None,
    editors_leave_out: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the true tags that editors don't give.")
    ] = 0.0,
    rows_only: Annotated[
        bool, typer.Option("--rows-only", help="Draw no GIFs: enough for what reads tags and sessions alone.")
    ] = False,
) -> None:
    """Draw a catalog of real GIFs whose true tags are known.

    Beside catalog.jsonl and gifs/ it writes truth.jsonl, sessions.jsonl (for --set semantic.sessions=) and test.txt, a
    list of reviewed GIFs (for --set catalog.test_list=). With --messy it also writes tag_truth.jsonl (what each written
    tag means), entities.jsonl (people, films and shows) and searches.jsonl (for --set semantic.search_sessions=).
    """
    from autotag_core.sample import WRONG_KINDS, UploaderRates, Vocabulary, write_rows, write_sample
    from jobs.process.drawing_progress import drawing_progress

    if wrong is not None and wrong not in WRONG_KINDS:
        raise InputError(f"--wrong {wrong}: it must be one of {', '.join(WRONG_KINDS)}")
    truth = Vocabulary(vocabulary, tags_per_gif)
    rates = UploaderRates(
        copied=duplicates, messy=messy, wrong_kind=wrong, editors_leave_out=editors_leave_out, vocabulary=truth
    )
    if rows_only and broken:
        raise InputError("--rows-only and --broken: one at a time, since what is broken is mostly a file")
    if rows_only:
        written = write_rows(out, gifs, seed, rates)
    else:
        with drawing_progress() as show:
            written = write_sample(out, gifs, seed, num_broken=broken, rates=rates, on_progress=show)
    counts = [f"{gifs} GIFs"]
    counts += [f"{written.num_duplicates} copies"] if written.num_duplicates else []
    counts += [f"{broken} broken ones"] if broken else []
    say(f"{out}: {' and '.join(counts)}, seed {seed}")
