"""Erasure of persons: who a person is, where the person is mentioned, and how every place forgets. No assets."""
