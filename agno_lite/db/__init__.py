"""Storage: sessions, runs and memories, each with its owner."""
