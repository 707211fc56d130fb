"""The signal index: one query language, two backends (embedded tantivy, Elasticsearch) behind one small interface."""
