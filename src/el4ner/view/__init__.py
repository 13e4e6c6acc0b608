"""Annotations and costs for people: the terminal, HTML."""
