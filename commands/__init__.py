"""The command line, one file a group of jobs; cli.py loads only the file that is asked for."""
