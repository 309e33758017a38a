"""Events to counts by hour, counts to series, series to what rises."""
