"""Logistics decisions as pure functions: which warehouse serves which order line, and what it costs."""
