"""OCF: who may have a service, for how long, and what was used. Joins rating and quota as RFC 8506 does."""
