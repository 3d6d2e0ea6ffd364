"""Paying a store that shows a code."""
