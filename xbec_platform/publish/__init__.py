"""What leaves the platform: the read-only snapshot, pages, exports. No computation of business numbers."""
