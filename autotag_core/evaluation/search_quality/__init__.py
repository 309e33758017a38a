"""Whether search got better: the same queries on two indexes, against what is right, clicked or preferred."""
