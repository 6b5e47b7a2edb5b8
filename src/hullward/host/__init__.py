"""The only door to a machine: its engine's API, its files, its programs."""
