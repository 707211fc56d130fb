"""One file a channel: deliver once, say whether trying again can help."""
