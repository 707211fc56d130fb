"""What runs Fengsui on servers: containers, roles, Kibana objects."""
