"""The process around a run: session, logs, interrupts, progress, exit codes."""
