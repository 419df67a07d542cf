// Application: see ARCHITECTURE.md.
