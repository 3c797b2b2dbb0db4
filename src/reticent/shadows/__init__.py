"""Many models from one recipe: the plan, the engine, and what the models say (Signals)."""
