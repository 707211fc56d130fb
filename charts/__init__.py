"""SVG drawing: numbers in, markup out. Imports core only."""
