"""RF: from a service event to money, and from money to units. Pure functions over immutable tariffs."""
