"""The run loop: prompt assembly, steps, events and outputs."""
