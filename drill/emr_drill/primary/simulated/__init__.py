"""Small processes that answer as Livy, ResourceManager, NameNode and the nodes of a cluster do.

Standard library only, so that they start in a blink and weigh little.  What they do was learned from real servers and
is held to their recorded answers by tests.
"""
