"""GGUF files: their headers, adapters merged into them, and their export."""
