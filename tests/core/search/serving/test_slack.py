"""The slash command, by payloads as Slack documents them, and answers to a server that stands where its hooks do."""

from __future__ import annotations

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from autotag_core.search.serving.service import create_service
from autotag_core.search.serving.slack import SlashCommand, add_slack

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def form(text):
    """A command's form, as docs.slack.dev/interactivity/implementing-slash-commands shows it."""
    return {
        "token": "gIkuvaNzQIHg97ATvDxqgjtO",
        "team_id": "T0001",
        "team_domain": "example",
        "enterprise_id": "E0001",
        "enterprise_name": "Globular Construct Inc",
        "channel_id": "C2147483705",
        "channel_name": "test",
        "user_id": "U2147483697",
        "user_name": "Steve",
        "command": "/giphy",
        "text": text,
        "response_url": "https://hooks.slack.com/commands/1234/5678",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        "api_app_id": "A123456",
    }


def payload(action_id, value, response_url):
    """A press of a button, as docs.slack.dev/reference/interaction-payloads/block_actions-payload shows it."""
    return {
        "type": "block_actions",
        "team": {"id": "T9TK3CUKW", "domain": "example"},
        "user": {"id": "UA8RXUSPL", "username": "jtorrance", "team_id": "T9TK3CUKW"},
        "api_app_id": "AABA1ABCD",
        "token": "9s8d9as89d8as9d8as989",
        "container": {"type": "message", "message_ts": "1548261231.000200", "channel_id": "CBR2V3XEX"},
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "channel": {"id": "CBR2V3XEX", "name": "review-updates"},
        "response_url": response_url,
        "actions": [
            {
                "action_id": action_id,
                "block_id": "=qXel",
                "text": {"type": "plain_text", "text": "View", "emoji": True},
                "value": value,
                "type": "button",
                "action_ts": "1548426417.840180",
            }
        ],
    }


@pytest.fixture
def hooks():
    """A server in the place of hooks.slack.com: (its address, what it was sent)."""
    sent: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", sent
    server.shutdown()
    server.server_close()


@pytest.fixture
def slack(served, hooks, listening):
    """Post a form to a path, signed as Slack signs it unless told otherwise."""
    known = served()
    app = create_service(known)
    add_slack(app, SlashCommand(SECRET, known.translator, known.media, 0, lambda: 7, hooks[0]))
    client = listening(app)

    def post(path, fields, secret=SECRET, age_s=0):
        body, sent_at = urlencode(fields), str(int(time.time()) - age_s)
        signature = SignatureVerifier(secret).generate_signature(timestamp=sent_at, body=body)
        headers = {"x-slack-request-timestamp": sent_at, "x-slack-signature": signature}
        return client.post(path, body, headers | {"content-type": "application/x-www-form-urlencoded"})

    return post


def press(slack, action_id, value, place):
    return slack("/slack/action", {"payload": json.dumps(payload(action_id, value, place))})


def test_a_command_shows_its_sender_alone_a_gif_with_three_buttons(fill, slack):
    fill(cat=("cat",), car=("car",))
    value = json.dumps({"phrase": "furry <feline>", "seed": 7, "place": 0, "gif_id": "cat"})

    def button(text, **more):
        words = {"type": "plain_text", "text": text, "emoji": True}
        return {"type": "button", "action_id": text.lower(), "text": words, "value": value} | more

    answer = slack("/slack/command", form(" furry  <feline> "))
    assert (answer.status, answer.json()) == (
        200,
        {
            "response_type": "ephemeral",
            "text": "furry &lt;feline&gt;",
            "blocks": [
                {
                    "type": "image",
                    "image_url": "https://media.example.com/cat.gif",
                    "alt_text": "cat",
                    "title": {"type": "plain_text", "text": "furry <feline>", "emoji": False},
                },
                {
                    "type": "actions",
                    "elements": [
                        button("Send", style="primary"),
                        button("Shuffle"),
                        button("Cancel", style="danger"),
                    ],
                },
            ],
        },
    )


def test_shuffle_goes_on_to_the_next_gif_and_begins_again_after_the_last(fill, slack, hooks):
    fill(cat=("cat",), car=("car",))
    value = slack("/slack/command", form("furry feline")).json()["blocks"][1]["elements"][0]["value"]
    shown = []
    for _ in range(2):
        assert press(slack, "shuffle", value, hooks[0]).status == 200
        message = hooks[1].get(timeout=60)
        assert (message["replace_original"], message["response_type"]) == (True, "ephemeral")
        shown.append(message["blocks"][0]["image_url"].rpartition("/")[2])
        value = message["blocks"][1]["elements"][1]["value"]
    assert shown == ["car.gif", "cat.gif"]


def test_send_shows_everybody_the_gif_that_was_offered_and_who_sent_it(fill, slack, hooks):
    fill(cat=("cat",), car=("car",))
    value = json.dumps({"phrase": "<!channel> feline", "seed": 7, "place": 0, "gif_id": "car"})
    press(slack, "send", value, hooks[0])
    message = hooks[1].get(timeout=60)
    assert (message["response_type"], message["delete_original"]) == ("in_channel", True)
    assert message["text"] == "<@UA8RXUSPL>: &lt;!channel&gt; feline"
    assert [block["type"] for block in message["blocks"]] == ["image"]
    assert message["blocks"][0]["image_url"] == "https://media.example.com/car.gif"


def test_cancel_takes_the_message_away(slack, hooks):
    press(slack, "cancel", json.dumps({"phrase": "cat", "seed": 7, "place": 0}), hooks[0])
    assert hooks[1].get(timeout=60) == {"delete_original": True}


@pytest.mark.parametrize(("secret", "age_s"), [("another secret", 0), (SECRET, 301)])
@pytest.mark.parametrize("path", ["/slack/command", "/slack/action"])
def test_a_request_that_slack_did_not_sign_or_signed_long_ago_is_401(slack, path, secret, age_s):
    assert slack(path, form("cat"), secret, age_s).status == 401


def test_without_words_the_command_says_what_to_type(slack):
    answer = slack("/slack/command", form("")).json()
    assert answer["response_type"] == "ephemeral"
    assert answer["text"].startswith("say what the GIF should say")


def test_an_answer_goes_nowhere_but_to_slack(slack, hooks):
    value = json.dumps({"phrase": "cat", "seed": 7, "place": 0})
    for place in ("http://169.254.169.254/x", "https://hooks.slack.com.evil.com/x", "file:///etc/passwd"):
        assert press(slack, "cancel", value, place).status == 400
    assert hooks[1].empty()


@pytest.mark.parametrize("value", ["", "[]", '{"phrase": "cat"}', '{"phrase": "cat", "seed": 1, "other": 2}'])
def test_a_button_that_is_not_ours_is_400(slack, hooks, value):
    assert press(slack, "send", value, hooks[0]).status == 400


def test_without_a_secret_there_is_no_command(service):
    assert service().post("/slack/command").status == 404
