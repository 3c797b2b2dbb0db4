"""Tables of people who do not exist, made under differential privacy from those who do."""
