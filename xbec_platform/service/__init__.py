"""The read-only HTTP service over the published snapshot: search, lists, facts. It decides nothing."""
