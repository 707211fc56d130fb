"""From sources to RawDocuments: what is fetched is archived, read strictly and handed to an `Intake`."""
