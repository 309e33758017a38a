"""The catalog: files to rows, and which rows can be used."""
