"""Synthetic customers: the six CSV files and the crypto history, of any size, the same for the same seed."""
