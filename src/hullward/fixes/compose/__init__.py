"""Lines that make the services of a compose file safer, each with its reason."""
