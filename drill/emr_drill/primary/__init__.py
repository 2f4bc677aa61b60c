"""The machines behind the drill's clusters: services, nodes, and the shell that an EMR step finds there."""
