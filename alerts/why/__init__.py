"""Why there is an alert, and why there is none: one question, the stages of a document or an alert in order."""
