"""Measurements; each is a command of the Makefile, not a test."""
