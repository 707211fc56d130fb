"""From a fetched page to a judged, indexed signal: stages that may be repeated, each claimed in the store."""
