"""What schemathesis cannot know of lines of JSON."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(ctx, value):
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


@schemathesis.deserializer("application/x-ndjson")
def deserialized(ctx, response):
    """The first line; where the contract has a text for its lines, the text."""
    text = response.content.decode("utf-8")
    if ctx.operation.path == "/v1/messages":
        return text
    return json.loads(text.splitlines()[0])
