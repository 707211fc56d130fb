"""The desk: server-rendered pages, private feeds, a JSON API and a live stream over the store and the index."""
