"""agno_lite."""
