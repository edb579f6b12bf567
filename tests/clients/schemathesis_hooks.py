"""What a fuzzer must know of us: keys of now, our scalars, and that a refusal is no fault."""

import os
import time
import uuid

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes


def fresh_id():
    """A UUID of version 7 (RFC 9562)."""
    made = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    made[6] = made[6] & 0x0F | 0x70
    made[8] = made[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(made)))


@schemathesis.hook
def map_headers(context, headers):
    key = (headers or {}).get("Idempotency-Key")
    try:
        uuid.UUID(key)
    except (AttributeError, TypeError, ValueError):
        return headers
    headers["Idempotency-Key"] = fresh_id()
    return headers


for scalar, texts in {
    "Long": st.integers(0, 2**63).map(str),
    "DateTime": st.datetimes().map(lambda it: f"{it.isoformat()}Z"),
}.items():
    schemathesis.graphql.scalar(scalar, texts.map(nodes.String))


@schemathesis.check
def errors_are_answers(ctx, response, case):
    """Every error has a code of ours, and none says that something of ours has failed."""
    assert response.status_code < 500, response.status_code
    if not case.operation.schema.__class__.__name__.startswith("GraphQL"):
        return
    for error in response.json().get("errors") or []:
        code = error.get("extensions", {}).get("code")
        assert code not in (None, "INTERNAL", "UNAVAILABLE", "UNKNOWN"), error
