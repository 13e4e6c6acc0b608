"""A conditional random field that learns from the pool in seconds, and votes."""
