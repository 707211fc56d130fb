"""The sample pack on a small real web site that the crawlers used live can crawl. Imports core and config."""
