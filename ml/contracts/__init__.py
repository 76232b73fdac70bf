"""Data contracts: what must hold of a table's rows before a step commits them."""
