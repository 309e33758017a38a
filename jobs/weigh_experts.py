"""neighbors and catalog -> expert_weights: how often each expert is right."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.tables import CATALOG, EXPERT_WEIGHTS
from jobs.run import Run
from udfs import expert_weights


def weigh_experts(run: Run, neighbors_df: DataFrame) -> None:
    """Judge each expert on validation GIFs, or leave-one-out on train where they are too few."""
    with run.stage("weights", run.rows_out.get("catalog")):
        weights_df = expert_weights.weigh_experts(neighbors_df, run.read(CATALOG), run.config.vote)
        run.rows_out["weights"] = run.write(EXPERT_WEIGHTS, weights_df)
        judged = run.read(EXPERT_WEIGHTS).select("evaluated_on").distinct().collect()
        run.inputs["experts_evaluated_on"] = ", ".join(sorted(row["evaluated_on"] for row in judged)) or "nothing"
