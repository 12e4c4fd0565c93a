"""What can draw the subject: one file per way."""
