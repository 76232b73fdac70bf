"""The parts of monitoring: what scores came to, drift, and the state of data and runs; the command is `ml.monitor`."""
