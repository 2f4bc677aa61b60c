"""What the product is compared with: the published recipe's script, in our own words and code.

The recipe, as docs/requirements.md has it (A10 to A12, A14), puts one cluster behind a plain TCP load balancer and lets
a script, started on a schedule, look at the cluster's services and replace the cluster.  *The recipe's* are: one look a
minute, by REST, at ResourceManager, NameNode and Livy; one failed look acts; a new cluster in another AZ by RunJobFlow;
a fixed wait of two minutes in place of finding out whether it is ready; lifting the termination protection of the old
cluster and ending it; then the old address out of each target group and the new one in.  There is no lock, no second
opinion, no check of what was registered, no proof that the new cluster works, and nothing that tells clients of jobs
that went down: every Livy counts from 0, and the next cluster gives the same ids again.

Where the recipe says nothing, *the kindest reading* is taken, and each is said where it is done:

* The script runs on a machine that no fault reaches, and no two runs overlap (the schedule skips a minute).
* It asks the primary itself, not through the load balancer, and each question has a time limit.
* It looks for its cluster by name and leaves one alone that is still being launched; without this it would replace
  its own replacement once a minute, for ever, since the fixed wait is shorter than a launch.
* After the fixed wait it asks for the new primary's address until EMR knows one, before the old cluster is touched.
* A refusal to change an old cluster because it ends already is no failure, and what is registered under another address
  goes as well.
* Load balancer: cross-zone, in every AZ, and health checks as quick as AWS allows for them to be.
* Clusters have the settings of Livy that the product gives its own: a restarted Livy knows its batches again.
"""
