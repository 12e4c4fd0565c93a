"""The colours of a model all around: the photo where it shows, and what carries it on where it does not."""
