"""What only compose files say, and which of the other rules a file can answer."""
