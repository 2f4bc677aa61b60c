"""What EMR leaves behind in the platform's network: found and removed when the platform goes."""
