"""How do we know that it works? Splits, metrics, search, tracking and the registration gate."""
