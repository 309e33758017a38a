"""The driver side: each job reads tables, runs one transform and writes tables; `nightly` lists them in order."""
