"""Records, errors, clock, ids, durations and logs: what every other package speaks. Imports nothing of ours."""
