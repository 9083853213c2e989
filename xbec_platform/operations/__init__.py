"""Running a home day by day: what a backfill would do and does, what is missing, what is wrong. No asset is here."""
