/// The first code of every process: runs the libraries, the chunk, and then its method.
///
/// It captures what it needs before any code of the app runs. Everything is a tail call or an
/// ordinary call, so libraries and chunks may block, and tracebacks stay clean.
///
/// Arguments: chunk, method name, aliases of the chunk (name to library number), libraries (each
/// `{chunk, aliases, environment}`), then the process's own arguments.
let bootSource = """
    local type, error, pairs, next, rawset = type, error, pairs, next, rawset
    local globals, require = _G, require

    local function give(environment, aliases, values)
      local own = {}
      for alias, number in pairs(aliases) do
        own[alias] = values[number]
        rawset(environment, alias, values[number])
      end
      if next(own) ~= nil then
        rawset(environment, "require", function(name)
          if own[name] ~= nil then return own[name] end
          return require(name)
        end)
      end
    end

    local function start(chunk, method, aliases, libraries, ...)
      local values = {}
      for number = 1, #libraries do
        local library = libraries[number]
        give(library[3], library[2], values)
        local value = library[1]()
        if value == nil then value = true end
        values[number] = value
      end
      give(globals, aliases, values)
      local main = chunk()
      if type(main) == "table" then main = main[method] end
      if type(main) ~= "function" then
        error('method "' .. method .. '" not found in module', 0)
      end
      return main(...)
    end

    return start(...)
    """
