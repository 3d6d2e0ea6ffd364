"""What-if runs on core's rules, with compiled kernels; no database, no web."""
