"""Rules, findings, alerts and what is sent about them."""
