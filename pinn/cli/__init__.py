"""The command line: one subcommand per function, loaded when it is called."""
