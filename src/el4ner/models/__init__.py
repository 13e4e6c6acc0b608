"""The only seam to language models: `base.Model`, and the engines behind it."""
