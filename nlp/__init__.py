"""Text in, mentions out: what a Chinese text says about products, firms, places, faults and harm."""
