"""neighbors and catalog -> expert_weights: how often each expert is right."""

from __future__ import annotations

from autotag_core.tables import CATALOG, EXPERT_WEIGHTS
from jobs.run.run import Run
from udfs.votes import expert_weights
from udfs.votes.ballots import Ballots


def weigh_experts(run: Run, ballots: Ballots) -> None:
    """Judge each expert on validation GIFs, or leave-one-out on train where they are too few."""
    config = run.config.vote
    with run.stage("weights", run.rows_out.get("catalog")):
        truth_df, split = expert_weights.evaluation_truth(run.read(CATALOG), config)
        weights_df = expert_weights.weigh_experts(ballots, truth_df, split, run.config.experts, config)
        run.rows_out["weights"] = run.write(EXPERT_WEIGHTS, weights_df)
        run.inputs["experts_evaluated_on"] = split if run.rows_out["weights"] else "nothing"
