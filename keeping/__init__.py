"""Backup, restore, checks of what is kept, retention, erasing a person, export of everything."""
