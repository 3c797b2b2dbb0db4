"""Defences on the records, data -> data: a file a defence."""

__all__: list[str] = []
