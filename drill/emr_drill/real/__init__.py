"""Real Livy, YARN, HDFS and Spark behind the drill's clusters."""
