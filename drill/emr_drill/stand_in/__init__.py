"""AWS on this machine: moto, made to last as long as AWS does and to run what is deployed into it."""
