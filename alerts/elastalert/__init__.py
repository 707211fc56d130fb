"""Rule files of ElastAlert, carried over into ours as far as those can say the same; the rest is told by line."""
