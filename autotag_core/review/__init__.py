"""The editor's queue: which tags to look at first, as a page or a sheet, and the decisions that come back."""
