"""What would mend a finding: pure functions from facts and texts to changes."""
