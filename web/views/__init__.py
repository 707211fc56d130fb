"""One file a page: read the request, ask the store, hand a template what it shows."""
