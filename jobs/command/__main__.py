"""`python -m jobs.command`: the command without its script."""

from jobs.command import main

main()
