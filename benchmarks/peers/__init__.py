"""The tools that are used for such models elsewhere, on the model of `make bench-sim`."""
