"""Springtide: loyalty programs whose points are backed by a pool."""
