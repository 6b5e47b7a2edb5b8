"""What a source says, turned into facts: one file a source, each with a pure parse."""
