"""What every stage needs besides its science: configuration, files, tables, jobs and records."""
