"""Carries a plan out on a host, by way of the journal that the host keeps."""
