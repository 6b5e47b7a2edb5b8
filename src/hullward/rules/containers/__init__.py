"""How containers are confined, one file a kind of privilege."""
