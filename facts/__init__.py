"""What a publication states as facts: spot-check rows and recalls, out of tables, labels, prose and source fields."""
