"""Made-up input: a generated shop and a sample logistics network; the platform never depends on it."""
