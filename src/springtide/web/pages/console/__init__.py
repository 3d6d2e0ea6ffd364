"""Pages of the operator's staff, for desks first."""
