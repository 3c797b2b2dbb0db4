"""Tables in which nobody stands alone: hierarchies, privacy models, Mondrian, risk, utility, and a checker
that shares nothing with them. Tables in, tables and figures out."""
