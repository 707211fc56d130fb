"""Sniffing of an unknown column: which family reads it, with which keys. One file an idea, `sniffer.py` the order."""
