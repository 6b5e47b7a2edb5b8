"""What would mend a host: pure functions from facts and texts to a plan."""
