"""What would mend a finding: pure functions from facts to changes."""
