"""See what Docker containers may do, take away what they do not need, and prove it."""

__version__ = "0.1.0"
