"""A slash command of Slack: a phrase becomes a GIF that its sender sees first, and may shuffle, send or cancel."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from elastic_transport import TransportError
from elasticsearch import ApiError
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from slack_sdk.errors import SlackClientError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, ImageBlock, PlainTextObject
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook import WebhookClient

from autotag_core.errors import InputError
from autotag_core.search.serving import shapes
from autotag_core.search.serving.limits import error
from autotag_core.search.translation.translator import Translator, checked_phrase

VARIABLE = "AUTOTAG_SLACK_SIGNING_SECRET"
"""The environment variable with the secret by which Slack signs its requests."""
HOOKS = "https://hooks.slack.com"
SHUFFLE, SEND, CANCEL = "shuffle", "send", "cancel"
_HOW = "say what the GIF should say, for example: so tired of mondays"
_FAILED = "search is not available, try again"
_LATE_S = 5
MAX_TEXT = 2000
"""Characters of a picture's text."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Offer:
    """The GIF that somebody is shown. Buttons carry it, so the service keeps nothing."""

    phrase: str
    seed: int
    place: int = 0
    """Of the GIF in the order of the phrase and seed; to shuffle is to go on to the next."""
    gif_id: str = ""
    """The GIF that is shown. It is what is sent, also where a night has changed the order meanwhile."""

    def to_value(self) -> str:
        """What a button carries: at most 2,000 characters, and a phrase has at most 300."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True)
class SlashCommand:
    """What a slash command is answered with."""

    secret: str
    translator: Translator
    media: str | None
    weirdness: float
    new_seed: Callable[[], int]
    hooks: str = HOOKS
    """Where answers to buttons may go: nowhere but to Slack."""

    def offered(self, offer: Offer) -> dict[str, Any]:
        """The message that only its sender sees: the GIF, and the buttons."""
        found = self._gif(offer)
        if isinstance(found, str):
            return _said(found)
        value = replace(offer, gif_id=found.id).to_value()
        buttons = [
            ButtonElement(text="Send", action_id=SEND, value=value, style="primary"),
            ButtonElement(text="Shuffle", action_id=SHUFFLE, value=value),
            ButtonElement(text="Cancel", action_id=CANCEL, value=value, style="danger"),
        ]
        blocks = [_picture(found, offer.phrase), ActionsBlock(elements=buttons)]
        return {"response_type": "ephemeral", "text": _escaped(offer.phrase), "blocks": _as_dicts(blocks)}

    def answer_to(self, action: str, offer: Offer, user: str) -> dict[str, Any]:
        """What Slack's response_url gets when a button was pressed."""
        if action == CANCEL:
            return {"delete_original": True}
        if action == SHUFFLE:
            next_offer = Offer(offer.phrase, offer.seed, offer.place + 1)
            return self.offered(next_offer) | {"replace_original": True}
        found = self._gif(offer)
        if isinstance(found, str):
            return _said(found) | {"replace_original": True}
        text = f"<@{user}>: {_escaped(offer.phrase)}"
        blocks = _as_dicts([_picture(found, offer.phrase)])
        return {"response_type": "in_channel", "delete_original": True, "text": text, "blocks": blocks}

    def _gif(self, offer: Offer) -> shapes.Gif | str:
        """The GIF, or why there is none."""
        found = self.translator.translate(offer.phrase, self.weirdness, offer.seed).candidates
        if not found:
            return "there is no GIF for that"
        by_id = {one.document["gif_id"]: one for one in found}
        chosen = by_id.get(offer.gif_id, found[offer.place % len(found)])
        gif = shapes.gif(chosen.document, self.media)
        if urlsplit(gif.url).scheme != "https":
            return "GIFs have no public address here: start the service with --media https://..."
        return gif


def add_slack(app: FastAPI, command: SlashCommand) -> None:
    """Add the request URL of the command, /slack/command, and that of its buttons, /slack/action."""
    verifier = SignatureVerifier(command.secret)

    async def signed_form(request: Request) -> dict[str, str] | None:
        """The form of a request that Slack signed within the last five minutes, else None."""
        body = await request.body()
        if not verifier.is_valid_request(body, dict(request.headers)):
            return None
        return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}

    @app.post("/slack/command", include_in_schema=False)
    async def slash_command(request: Request) -> Response:
        form = await signed_form(request)
        if form is None:
            return error(401, "this is not signed by Slack")
        try:
            offer = Offer(checked_phrase(form.get("text", "")), command.new_seed())
            return JSONResponse(await run_in_threadpool(command.offered, offer))
        except InputError as problem:
            return JSONResponse(_said(f"{problem}" if form.get("text") else _HOW))
        except (ApiError, TransportError) as problem:  # a status other than 200 says nothing to the person
            _log.error("slack: command failed: %s", type(problem).__name__)
            return JSONResponse(_said(_FAILED))

    @app.post("/slack/action", include_in_schema=False)
    async def action(request: Request, later: BackgroundTasks) -> Response:
        """Slack wants an answer within three seconds, and takes the message at its response_url."""
        form = await signed_form(request)
        if form is None:
            return error(401, "this is not signed by Slack")
        try:
            payload = json.loads(form["payload"])
            pressed, place = payload["actions"][0], payload["response_url"]
            offer, user = Offer(**json.loads(pressed["value"])), payload["user"]["id"]
            name = pressed["action_id"]
            if payload["type"] != "block_actions" or name not in (SHUFFLE, SEND, CANCEL) or not _is_at(place, command):
                raise ValueError(name)
        except (ValueError, KeyError, TypeError, IndexError):
            return error(400, "this is not a press of one of our buttons")
        later.add_task(_answer, command, name, offer, user, place)
        return Response(status_code=200, background=later)


def _answer(command: SlashCommand, name: str, offer: Offer, user: str, place: str) -> None:
    """Send what a button leads to. Where that fails it is logged: Slack has its 200 already."""
    try:
        message = command.answer_to(name, offer, user)
    except (ApiError, TransportError, InputError) as problem:
        _log.error("slack: %s failed: %s", name, type(problem).__name__)
        message = _said(_FAILED)
    try:
        status = WebhookClient(place, timeout=_LATE_S).send_dict(message).status_code
    except (SlackClientError, OSError) as problem:
        _log.error("slack: %s not answered: %s", name, type(problem).__name__)
        return
    if status != 200:
        _log.error("slack: %s not taken: status %d", name, status)


def _is_at(place: str, command: SlashCommand) -> bool:
    wanted, found = urlsplit(command.hooks), urlsplit(place)
    return (found.scheme, found.netloc) == (wanted.scheme, wanted.netloc)


def _picture(gif: shapes.Gif, phrase: str) -> Block:
    """Plain text: Slack takes no formatting, links or mentions from it."""
    return ImageBlock(
        image_url=gif.url, alt_text=(gif.title or phrase)[:MAX_TEXT], title=PlainTextObject(text=phrase, emoji=False)
    )


def _as_dicts(blocks: list[Block]) -> list[dict[str, Any]]:
    return [block.to_dict() for block in blocks]


def _said(text: str) -> dict[str, Any]:
    return {"response_type": "ephemeral", "text": _escaped(text)}


def _escaped(text: str) -> str:
    """Text in which Slack sees no link or mention: https://docs.slack.dev/messaging/formatting-message-text#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
