"""A mutation benchmark: does the gallery notice every change, run nothing in vain, and say the right reason?

`python -m tests.benchmarks.drift` changes a project in one place, asks the gallery's command line what it
makes of that, and compares its answer with what an oracle sees that shares no code with it.
"""
