"""Attacks, a folder a family, a file an attack."""
