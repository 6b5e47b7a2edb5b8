"""The words that everything else is written in: facts, rules, verdicts, errors. No I/O."""
