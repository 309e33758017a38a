"""What reports read in Spark."""
