"""What rises: how surprising the newest hours of a series of counts are, beside what it usually has."""
