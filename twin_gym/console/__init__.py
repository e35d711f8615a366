"""What every command of the project prints and answers with; no command is here."""
