"""Helpers that belong to no room."""
