"""The site: an mkdocs plugin that hands the pages of the pipeline to mkdocs, in two languages."""
