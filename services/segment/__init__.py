"""The segment stage: cuts the subject out, makes the new background, and puts the two together."""
