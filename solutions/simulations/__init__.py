"""Simulations that notebooks and lesson tests run: pure, seeded, and quick, one subject a file."""
