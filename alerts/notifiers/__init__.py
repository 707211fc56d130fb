"""Channels: one file each. A channel delivers once and says whether trying again can help."""
