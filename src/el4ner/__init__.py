"""Named entity recognition by an ensemble of small, open language models that read a few labelled examples."""
