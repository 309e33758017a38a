"""The executor side: thin DataFrame -> DataFrame adapters, each around one core function."""
