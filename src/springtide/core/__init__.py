"""The rules: pure functions over integers and records."""
