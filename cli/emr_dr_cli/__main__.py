"""``python -m emr_dr_cli``."""

from emr_dr_cli.main import main

main()
