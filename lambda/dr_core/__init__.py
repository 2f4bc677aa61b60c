"""What the functions decide: values in, decisions out.  No clock, no client, no randomness."""
