"""The least privileges that a container needs: observed, then proven by trial."""
