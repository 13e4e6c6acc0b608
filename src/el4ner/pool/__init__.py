"""The labelled examples, what is wrong with them, and the types that are asked for."""
