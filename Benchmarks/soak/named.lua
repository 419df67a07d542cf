return function(name)
    assert(process.registry.register(name))
    assert(process.registry.register(name .. "/again"))
    assert(process.registry.lookup(name) == process.pid())
    assert(process.registry.unregister(name))
    assert(process.send(name .. "/again", "self", name))
    return process.inbox():receive().payload
end
