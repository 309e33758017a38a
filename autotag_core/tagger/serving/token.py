"""The token that requests must bring where the operator has set one."""

from __future__ import annotations

import hmac
import os

TOKEN_HEADER = "x-autotag-token"
"""Of REST's headers and of gRPC's metadata."""
VARIABLE = "AUTOTAG_SERVE_TOKEN"
"""The environment variable that holds it: a command line is for all to see."""


def token() -> str | None:
    """The token. None: requests need none."""
    return os.environ.get(VARIABLE) or None


def has_token(given: str | None) -> bool:
    """Whether a request with this value of the header may be answered."""
    wanted = token()
    return wanted is None or hmac.compare_digest((given or "").encode(), wanted.encode())
