"""Attached files: what their bytes are, their text and tables, read in a process of its own, bounded everywhere."""
