"""Objects for Kibana."""
