"""Was this record in the training set? A file an attack."""
