"""The pages, one file each: what they show is computed in `ml/` and laid out here."""
