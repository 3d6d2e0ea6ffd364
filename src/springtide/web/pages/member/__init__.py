"""Pages of members, for phones first."""
