"""Losses whose article formula is one formula: fused where that is more exact or faster."""
