"""Compose files: text in, facts out; text and a change in, text out."""
