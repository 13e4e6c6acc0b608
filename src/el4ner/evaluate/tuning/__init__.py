"""Settings chosen from a pool alone."""
