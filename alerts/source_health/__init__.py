"""Whether a source is well: judged from its last runs and from its own history, told when it changes."""
