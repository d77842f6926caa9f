"""What a run leaves behind: its folder, its record, its books, and how finished runs are found and compared."""
