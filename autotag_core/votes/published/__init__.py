"""The published rule: votes, weights of experts, confidences."""
