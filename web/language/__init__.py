"""The desk in a second language: the words, how they get into the templates, and whose visit is in which language."""
