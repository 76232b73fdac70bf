"""The steps from a CSV file to its raw table; the command is `ml.load`."""
