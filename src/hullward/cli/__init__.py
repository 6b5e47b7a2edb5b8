"""The command line: one file a command, each calls one flow."""
