"""One file a job: it gathers what a plan needs, plans, and proves that the change works."""
