"""Texts: what a model is shown of one, its words and their parts of speech, and the way back to offsets."""
