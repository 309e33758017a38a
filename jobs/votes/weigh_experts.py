"""neighbors and catalog -> expert_weights: how often each expert is right."""

from __future__ import annotations

from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, NEIGHBORS
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.votes import expert_weights
from udfs.votes.ballots import Ballots


@stage("weights", reads=(CATALOG, NEIGHBORS), writes=(EXPERT_WEIGHTS,), cost="validation GIFs")
def weigh_experts(run: Run, ballots: Ballots) -> None:
    """Write each expert's weight, judged on validation GIFs, or leave-one-out on train GIFs where they are too few."""
    config = run.config.vote
    run.expect(run.facts.rows_out["catalog"])
    truth = expert_weights.evaluation_truth(run.tables.read(CATALOG), config)
    weights_df = expert_weights.weigh_experts(ballots, truth, run.config.experts, config)
    run.facts.rows_out["weights"] = run.tables.write(EXPERT_WEIGHTS, weights_df)
    run.note(experts_evaluated_on=truth.split if run.facts.rows_out["weights"] else "nothing")
