"""Measurements: each module prints figures and ratios; none asserts a time."""
