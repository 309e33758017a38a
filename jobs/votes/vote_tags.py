"""neighbors and what was learned of tags -> voted_tags."""

from __future__ import annotations

from autotag_core.tables import CATALOG, NEIGHBORS, VOTED_TAGS
from jobs.run.run import Run
from jobs.run.stages import stage
from jobs.votes.fit_judge import Learned
from udfs.votes import votes
from udfs.votes.ballots import Ballots


@stage("votes", reads=(CATALOG, NEIGHBORS), writes=(VOTED_TAGS,), cost="GIFs x k x experts")
def vote_tags(run: Run, ballots: Ballots, learned: Learned) -> None:
    """Write each GIF's tags as the published vote confirms, demotes and adds them, with every tag's score."""
    run.expect(run.facts.rows_out["catalog"])
    voted_df = votes.vote_tags(ballots, learned.statistics, learned.judge)
    run.facts.rows_out["votes"] = run.tables.write(VOTED_TAGS, voted_df)
