"""What an operator edits, read once and checked whole. Imports core only."""
