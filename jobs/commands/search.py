"""`autotag translate` and `autotag serve-search`: what applications and people ask the search index."""

from __future__ import annotations

import random
from typing import Annotated

import typer

from autotag_core import storage
from jobs.commands.options import checked_uri
from jobs.commands.output import say

Server = Annotated[str, typer.Option(help="URL of Elasticsearch.")]
Alias = Annotated[str, typer.Option(help="Search alias or index.")]
NeverFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="What never comes up: a tag a line, or `person: NAME`.", callback=checked_uri),
]


def add_search_commands(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(translate)
    app.command("serve-search")(serve_search)


def translate(  # noqa: PLR0913, PLR0917 - one option each
    phrase: Annotated[str, typer.Argument(help='What the GIF should say, such as "so tired of mondays".')],
    elasticsearch: Server = "http://localhost:9200",
    index: Alias = "gifs",
    weirdness: Annotated[float, typer.Option(min=0, max=10, help="0: the best fit; 10: far from the obvious.")] = 0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed gives the same GIF; by default another one each time.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, max=50, help="So many GIFs, first choice first.")] = 1,
    never: NeverFile = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find the GIF for a phrase, by what it means: its words need not be tags.

    The index must have meanings: autotag nightly --set elasticsearch.meaning=true.
    """
    from jobs.search.translate_phrase import PhraseRequest, translate_phrase

    never = None if never is None else storage.absolute(never)
    seed = random.randrange(2**31) if seed is None else seed
    found = translate_phrase(PhraseRequest(phrase, elasticsearch, index, weirdness, seed, most, never))
    say(found.to_json() if json_ else found.to_text())


def serve_search(  # noqa: PLR0913, PLR0917 - one option each
    elasticsearch: Server = "http://localhost:9200",
    index: Alias = "gifs",
    http: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8090,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    never: NeverFile = None,
    media: Annotated[
        str | None, typer.Option(metavar="URL", help="Public address of a GIF, such as https://x.org/{gif_id}.gif.")
    ] = None,
    per_minute: Annotated[int, typer.Option(min=0, help="Requests a minute of one address; 0: any number.")] = 600,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds that Elasticsearch may take.")] = 2,
    weirdness: Annotated[float, typer.Option(min=0, max=10, help="Of the slash command of Slack.")] = 2,
) -> None:
    """Serve GIPHY's API over the search index: search, trending, related, random, translate; and a command of Slack.

    Slack needs AUTOTAG_SLACK_SIGNING_SECRET. With AUTOTAG_SERVE_TOKEN, requests must bring it in x-autotag-token.
    """
    from jobs.search.serve_search import SearchServeRequest, serve_search

    never = None if never is None else storage.absolute(never)
    serve_search(SearchServeRequest(elasticsearch, index, host, http, never, media, per_minute, timeout, weirdness))
