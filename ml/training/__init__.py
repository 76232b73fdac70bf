"""The parts of training: rows, split, model, figures, model card; the command is `ml.train`."""
