"""The site generator: runs the cookbook, records what happened, and makes pages of it.

A one-way street, whose stages exchange the frozen records of `agno_lite.gallery.records`:
discovery, analysis, execution, store, rendering, site. `agno_lite.gallery.pipeline` knows them all.
"""
