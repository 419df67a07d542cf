// LuaVM: see ARCHITECTURE.md.
