"""The pool made searchable: vectors, tables of them, SpanSim."""
