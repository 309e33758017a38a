"""What people who run the night need around it: metrics, checks of a machine, a bill of materials."""
