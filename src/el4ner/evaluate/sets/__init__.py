"""Labelled texts to score on: folders, files, and public sets by name."""
