"""Alerts: raised once, kept in `ops.alerts`, handed on as files. What is measured lies elsewhere."""
