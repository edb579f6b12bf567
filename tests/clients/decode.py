"""Reads events as an analyst would: an Avro container file, and records framed as in Kafka.

python3 decode.py <container file> <framed file> <address of the server>

The schemas of framed records are asked for by their ids, as any client of a registry does.
"""

import collections
import io
import json
import struct
import sys
import urllib.request

import fastavro


def from_container(path):
    with open(path, "rb") as file:
        for record in fastavro.reader(file, return_record_name=True):
            name, event = record["event"]
            yield name, event


def from_frames(path, server):
    schemas = {}
    with open(path, "rb") as file:
        while length := file.read(4):
            frame = file.read(struct.unpack(">I", length)[0])
            magic, schema_id = struct.unpack(">bI", frame[:5])
            if magic != 0:
                raise ValueError(f"a frame begins with {magic}")
            if schema_id not in schemas:
                with urllib.request.urlopen(f"http://{server}/schemas/ids/{schema_id}") as answer:
                    schema = json.loads(json.load(answer)["schema"])
                schemas[schema_id] = schema, fastavro.parse_schema(schema)
            schema, parsed = schemas[schema_id]
            body = io.BytesIO(frame[5:])
            event = fastavro.schemaless_reader(body, parsed, return_record_name=True)
            if body.read(1):
                raise ValueError(f"bytes are left over after an event of schema {schema_id}")
            yield f"{schema['namespace']}.{schema['name']}", event


def main():
    container, frames, server = sys.argv[1:]
    one = list(from_container(container))
    other = list(from_frames(frames, server))
    if len(one) != len(other):
        raise ValueError(f"{len(one)} events in one form and {len(other)} in the other")
    for left, right in zip(one, other):
        if left != right:
            raise ValueError(f"the two forms differ:\n{left}\n{right}")
    print(json.dumps(collections.Counter(name.rsplit(".")[-1] for name, _ in one)))


main()
