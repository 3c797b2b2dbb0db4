"""What can be audited: one file a kind of model, each imported only where it is used."""
