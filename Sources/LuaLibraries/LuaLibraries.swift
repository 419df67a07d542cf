// LuaLibraries: see ARCHITECTURE.md.
