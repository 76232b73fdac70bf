"""The parts of batch scoring: what a snapshot must contain, and the record of each run; for `ml.infer_batch`."""
