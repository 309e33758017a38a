"""neighbors and what was learned of tags -> voted_tags."""

from __future__ import annotations

from autotag_core.tables import CATALOG, CHOSEN_TAGS, DECIDED_TAGS, NEIGHBORS, VOTED_TAGS
from jobs.run.run import Run
from jobs.run.stages import stage
from jobs.votes.fit_judge import Learned
from udfs.votes import votes
from udfs.votes.ballots import Ballots
from udfs.votes.decided import withhold_refused
from udfs.votes.refused import weigh_refused


@stage("votes", reads=(CATALOG, NEIGHBORS, CHOSEN_TAGS, DECIDED_TAGS), writes=(VOTED_TAGS,), cost="GIFs x k x experts")
def vote_tags(run: Run, ballots: Ballots, learned: Learned) -> None:
    """Write each GIF's tags as the published vote confirms, demotes and adds them, with every tag's score.

    Tags that the GIF's uploader refused are less likely, and none of them is added. Those that an editor refused are
    withheld.
    """
    run.expect(run.facts.rows_out["catalog"])
    voted_df = votes.vote_tags(ballots, learned.statistics, learned.judge)
    if run.tables.has(CHOSEN_TAGS):
        voted_df = weigh_refused(voted_df, run.tables.read(CHOSEN_TAGS))
    if run.tables.has(DECIDED_TAGS):
        voted_df = withhold_refused(voted_df, run.tables.read(DECIDED_TAGS))
    run.facts.rows_out["votes"] = run.tables.write(VOTED_TAGS, voted_df)
