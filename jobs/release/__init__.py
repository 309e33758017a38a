"""What a night starts from and how it ends: checks, base, publication, rollback, summary."""
