"""Statistical detectors: a series of counts in, a judgement a time point out. No query, no clock, no sending."""
