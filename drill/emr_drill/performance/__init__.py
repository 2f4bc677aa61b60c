"""How long synthesis, imports, a round of a prober and a tick of the monitor take, and how large things are."""
