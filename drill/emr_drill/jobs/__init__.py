"""The jobs of a drill: what is asked for, what the client was told, what really happened."""
