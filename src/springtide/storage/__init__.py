"""PostgreSQL; the only floor that speaks SQL."""
