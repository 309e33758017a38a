"""Evidence written out, a column at a time."""

from collections.abc import Callable

import numpy as np
import pytest

from autotag_core.votes import Evidence, ExpertEvidence

MakeEvidence = Callable[..., Evidence]


def expert(share, spread=4.0, lift=2.0, votes=0):
    """What an expert says of len(share) pairs; one number stands for all of them."""
    columns = {"spread": spread, "lift": lift, "votes": votes}
    full = {name: np.broadcast_to(np.asarray(value), len(share)) for name, value in columns.items()}
    return ExpertEvidence(np.asarray(share, float), full["spread"], full["lift"], full["votes"])


@pytest.fixture(scope="session")
def evidence() -> MakeEvidence:
    """Evidence of pairs by expert, `{name: expert(...) arguments}`; all of one GIF, and no flag is set."""

    def make(experts, **columns):
        found = {name: expert(**said) for name, said in experts.items()}
        num = len(next(iter(found.values())).share)
        flags = ("is_own", "is_slip", "is_correction", "is_copied", "is_editorial", "is_taught")
        known = {name: np.broadcast_to(np.asarray(columns.get(name, False), bool), num) for name in flags}
        known |= {name: np.broadcast_to(np.asarray(columns.get(name, 0.0)), num) for name in ("prior", "together")}
        known["likeness"] = np.broadcast_to(np.asarray(columns.get("likeness", np.nan)), num)
        gifs = np.broadcast_to(np.asarray(columns.get("gifs", 0)), num)
        return Evidence(gifs=gifs, **known, experts=found)

    return make
