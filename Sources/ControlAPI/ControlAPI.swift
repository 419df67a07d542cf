// ControlAPI: see ARCHITECTURE.md.
