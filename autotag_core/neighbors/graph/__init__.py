"""NN-descent: a graph of neighbors that gets better round by round."""
