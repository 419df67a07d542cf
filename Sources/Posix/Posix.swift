// Posix: see ARCHITECTURE.md.
