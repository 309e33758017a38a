"""The vote: tables of tags, evidence, weights of experts, voted rows."""
