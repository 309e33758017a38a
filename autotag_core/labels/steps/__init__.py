"""The steps from raw tags to labels, one file each."""
