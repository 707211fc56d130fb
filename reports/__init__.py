"""Reports: figures computed from records, cells typed by people, papers that are signed."""
