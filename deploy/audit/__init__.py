"""`make audit`: the invariants of the system, checked across the databases (see README.md beside this file)."""
