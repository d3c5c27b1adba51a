"""Regression, a gain on it, and sampled heads: trained, measured and compared in one table."""
