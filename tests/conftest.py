"""How much the property tests draw: a little by default, the same each time; `--hypothesis-profile deep` draws more, and anew."""
from hypothesis import HealthCheck, settings

settings.register_profile("default", max_examples=6, derandomize=True, deadline=None, database=None,
                          suppress_health_check=list(HealthCheck))
settings.register_profile("deep", max_examples=100, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
settings.load_profile("default")
