"""Runs examples, each in a process of its own, and records what happened.

`runner` starts the process and collects; `worker` is what runs inside it, with the recorders (`probes`,
`constructions`, `wire`, `watching`), which write to a `journal`. Back outside, `canonical` makes
deterministic facts of the journal, `storage` reads the database and `dependencies` says what it all
depended on.
"""
