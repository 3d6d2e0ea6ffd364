"""The pages of a store, for its owner."""
