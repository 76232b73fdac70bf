"""What training is made of: rows, split, model, figures, card; its command is `ml.train`."""
