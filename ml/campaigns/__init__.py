"""The parts of `ml.campaign`: whom it pays to contact, arms, the file for mailing, what it came to."""
