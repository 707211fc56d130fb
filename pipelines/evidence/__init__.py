"""Bundles of evidence: what was fetched, when, and what was made of it, in files that anybody can verify."""
