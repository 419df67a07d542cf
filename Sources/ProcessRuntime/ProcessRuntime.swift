// ProcessRuntime: see ARCHITECTURE.md.
