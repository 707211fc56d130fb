"""One module a family: what a site of that kind answers. Registered in demo/site.py."""
