"""Firms: bringing a registry in, and finding a firm by whatever name people use."""
